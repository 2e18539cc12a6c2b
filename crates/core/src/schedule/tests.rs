use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::clock::Timestamp;
use crate::id::EventType;

mod laws;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn cron(rule: &str, timezone: &str) -> Recurrence {
    let form = RecurrenceForm {
        cron: Some(rule),
        timezone: Some(timezone),
        ..RecurrenceForm::default()
    };
    Recurrence::new(form).unwrap()
}

fn times(recurrence: &Recurrence, event_at: &str, count: usize) -> Vec<String> {
    let occurrences = recurrence.occurrences(at(event_at), count, Zone::default()).into_iter();
    occurrences
        .map(|occurrence| occurrence.at.format("%m-%dT%H:%M:%S").to_string())
        .collect()
}

/// (zone, rule, event at, the next times in UTC).
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

#[test]
fn cron_moves_a_time_that_does_not_exist_to_the_first_instant_after_the_gap() {
    let table: &[Row] = &[
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-03-27T12:00:00Z",
            &["03-28T01:30:00", "03-29T01:00:00", "03-30T00:30:00"],
        ),
        (
            "Europe/Berlin",
            "*/20 2 * * *",
            "2026-03-29T00:00:00Z",
            &["03-29T01:00:00", "03-30T00:00:00"],
        ),
        (
            "Europe/Berlin",
            "0 */2 * * *",
            "2026-03-28T23:30:00Z",
            &["03-29T01:00:00", "03-29T02:00:00"],
        ),
        (
            "America/New_York",
            "30 2 * * *",
            "2026-03-07T12:00:00Z",
            &["03-08T07:00:00", "03-09T06:30:00"],
        ),
        // Half an hour is skipped, from 02:00 to 02:30.
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-02T20:00:00Z",
            &["10-03T15:30:00", "10-04T15:15:00"],
        ),
    ];
    check(table);
}

#[test]
fn cron_fires_once_at_the_first_of_a_time_that_exists_twice() {
    let table: &[Row] = &[
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            &["10-25T00:30:00", "10-26T01:30:00"],
        ),
        (
            "Europe/Berlin",
            "0,30 2 * * *",
            "2026-10-25T00:10:00Z",
            &["10-25T00:30:00", "10-26T01:00:00"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31T12:00:00Z",
            &["11-01T05:30:00", "11-02T06:30:00"],
        ),
        // Half an hour exists twice, from 01:30 to 02:00.
        (
            "Australia/Lord_Howe",
            "30 1 * * *",
            "2026-04-04T00:00:00Z",
            &["04-04T14:30:00", "04-05T15:00:00"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T14:50:00Z",
            &["04-05T15:15:00"],
        ),
    ];
    check(table);
}

#[test]
fn cron_for_every_hour_follows_real_time() {
    let table: &[Row] = &[
        (
            "Europe/Berlin",
            "30 * * * *",
            "2026-10-24T23:00:00Z",
            &["10-24T23:30:00", "10-25T00:30:00", "10-25T01:30:00", "10-25T02:30:00"],
        ),
        (
            "Europe/Berlin",
            "30 * * * *",
            "2026-03-29T00:00:00Z",
            &["03-29T00:30:00", "03-29T01:30:00", "03-29T02:30:00"],
        ),
        (
            "Europe/Berlin",
            "0 * * * *",
            "2026-03-29T00:30:00Z",
            &["03-29T01:00:00", "03-29T02:00:00"],
        ),
        (
            "Australia/Lord_Howe",
            "0 * * * *",
            "2026-04-04T14:00:00Z",
            &["04-04T15:30:00", "04-04T16:30:00"],
        ),
        (
            "Australia/Lord_Howe",
            "*/30 * * * *",
            "2026-04-04T14:10:00Z",
            &["04-04T14:30:00", "04-04T15:00:00", "04-04T15:30:00"],
        ),
    ];
    check(table);
}

fn check(table: &[Row]) {
    for (zone, rule, event_at, expected) in table {
        assert_eq!(
            times(&cron(rule, zone), event_at, expected.len()),
            *expected,
            "{rule} in {zone}"
        );
    }
}

#[test]
fn cron_seconds_are_optional_and_a_rule_that_never_fires_is_refused() {
    assert_eq!(
        times(&cron("*/30 * * * * *", "UTC"), "2026-01-01T00:00:01Z", 2),
        ["01-01T00:00:30", "01-01T00:01:00"]
    );
    assert_eq!(
        times(&cron("0 9 * * MON", "UTC"), "2026-01-01T00:00:00Z", 1),
        ["01-05T09:00:00"]
    );
    assert_eq!(
        times(&cron("0 0 29 2 *", "UTC"), "2026-03-01T00:00:00Z", 1),
        ["02-29T00:00:00"]
    );
    for rule in ["", "* * *", "61 * * * *", "0 0 30 2 *", "* * * * * * 2030", "soon"] {
        assert!(rule.parse::<CronRule>().is_err(), "{rule}");
    }
}

#[test]
fn an_interval_begins_at_its_first_time_and_ends_after_its_occurrences() {
    let form = RecurrenceForm {
        interval_ms: Some(90_000),
        first_at: Some("2026-03-29T02:30:00"),
        timezone: Some("Europe/Berlin"),
        max_occurrences: Some(3),
        ..RecurrenceForm::default()
    };
    let recurrence = Recurrence::new(form).unwrap();
    assert_eq!(
        times(&recurrence, "2026-03-28T00:00:00Z", 9),
        ["03-29T01:00:00", "03-29T01:01:30", "03-29T01:03:00"]
    );
    assert_eq!(times(&recurrence, "2026-03-29T01:00:01Z", 1), ["03-29T01:01:30"]);
    let without = Recurrence::new(RecurrenceForm { first_at: None, ..form }).unwrap();
    assert_eq!(times(&without, "2026-03-28T00:00:00Z", 1), ["03-28T00:01:30"]);
}

#[test]
fn a_recurrence_ends_at_a_moment_or_after_its_last_day() {
    let until = |end_date| {
        let form = RecurrenceForm {
            cron: Some("0 12 * * *"),
            timezone: Some("Asia/Kolkata"),
            end_date: Some(end_date),
            ..RecurrenceForm::default()
        };
        times(&Recurrence::new(form).unwrap(), "2026-01-01T00:00:00Z", 9).len()
    };
    assert_eq!(until("2026-01-03"), 3);
    assert_eq!(until("2026-01-03T12:00:00"), 3);
    assert_eq!(until("2026-01-03T06:29:59Z"), 2);
    assert_eq!(until("2025-12-31"), 0);
}

#[test]
fn a_cron_recurrence_may_fire_at_its_first_time() {
    let form = RecurrenceForm {
        cron: Some("0 12 * * *"),
        first_at: Some("2026-02-01T12:00:00"),
        ..RecurrenceForm::default()
    };
    let recurrence = Recurrence::new(form).unwrap();
    assert_eq!(
        times(&recurrence, "2026-01-01T00:00:00Z", 2),
        ["02-01T12:00:00", "02-02T12:00:00"]
    );
}

#[test]
fn every_fault_of_a_recurrence_is_reported_at_once() {
    let form = RecurrenceForm {
        interval_ms: Some(999),
        timezone: Some("Mars/Olympus"),
        first_at: Some("soon"),
        max_occurrences: Some(0),
        end_date: Some("2026-02-30"),
        ..RecurrenceForm::default()
    };
    let faults = Recurrence::new(form).unwrap_err();
    let mut places: Vec<_> = faults.list().iter().map(|fault| fault.pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        ["/endDate", "/firstAt", "/intervalMs", "/maxOccurrences", "/timezone"]
    );
    assert_eq!(
        Recurrence::new(RecurrenceForm::default()).unwrap_err().list()[0].pointer,
        "/cron"
    );
}

#[test]
fn a_delay_is_a_duration_or_a_time_from_the_payload() {
    let payload = json!({"visit": {"date": "2026-03-29", "time": "02:30", "at": "2026-03-29T02:30:00", "epoch": 1_774_747_800}});
    let due = |at_text: &'static str| {
        let form = DelayForm {
            at: Some(at_text),
            timezone: Some("Europe/Berlin"),
            ..DelayForm::default()
        };
        let delay = Delay::new(form).unwrap();
        match delay.due(&payload, at("2026-01-01T00:00:00Z"), Zone::default()) {
            Ok(Due::At(at)) => Ok(at),
            Ok(Due::Script(_)) => Err("a script".to_owned()),
            Err(message) => Err(message),
        }
    };
    assert_eq!(due("visit.at"), Ok(at("2026-03-29T01:00:00Z")));
    assert_eq!(due("{{visit.date}}T{{ visit.time }}"), Ok(at("2026-03-29T01:00:00Z")));
    assert_eq!(due("{{visit.date}} {{visit.time}}:15"), Ok(at("2026-03-29T01:00:00Z")));
    assert_eq!(due("visit.epoch"), Ok(at("2026-03-29T01:30:00Z")));
    assert_eq!(due("visit.date"), Ok(at("2026-03-28T23:00:00Z")));
    assert_eq!(due("visit.end"), Err("The payload has nothing at visit.end.".to_owned()));
    assert!(due("visit").is_err());
    let form = DelayForm {
        delay_seconds: Some(60),
        ..DelayForm::default()
    };
    let after = Delay::new(form).unwrap();
    assert_eq!(
        after.due(&payload, at("2026-01-01T00:00:00Z"), Zone::default()),
        Ok(Due::At(at("2026-01-01T00:01:00Z")))
    );
}

#[test]
fn a_delay_has_exactly_one_source_of_its_time() {
    let pointer = |form| Delay::new(form).unwrap_err().list()[0].pointer.clone();
    let none = DelayForm::default();
    assert_eq!(pointer(none), "");
    assert_eq!(
        pointer(DelayForm {
            delay_seconds: Some(1),
            at: Some("a"),
            ..none
        }),
        ""
    );
    assert_eq!(pointer(DelayForm { at: Some("{{a"), ..none }), "/at");
    assert_eq!(
        pointer(DelayForm {
            at: Some("a..b"),
            ..none
        }),
        "/at"
    );
    assert_eq!(
        pointer(DelayForm {
            delay_seconds: Some(u64::MAX),
            ..none
        }),
        "/delaySeconds"
    );
    assert_eq!(
        pointer(DelayForm {
            script: Some(" "),
            ..none
        }),
        "/script"
    );
}

#[test]
fn an_overdue_occurrence_is_cancelled_with_the_reason() {
    let max = MaxOverdue(std::time::Duration::from_mins(1));
    let due = at("2026-01-01T00:00:00Z");
    let timeliness = |ms| max.timeliness(due, due + TimeDelta::milliseconds(ms));
    assert_eq!(timeliness(-1500), Timeliness::NotDue(std::time::Duration::from_millis(1500)));
    assert_eq!((timeliness(0), timeliness(60_000)), (Timeliness::Due, Timeliness::Due));
    let reason = "It was due 61 s ago, which is more than the 60 s that it may be late.";
    assert_eq!(timeliness(61_000), Timeliness::Overdue(reason.to_owned()));
}

#[test]
fn an_event_with_equal_keys_cancels_pending_deliveries() {
    let types = [EventType::new("appointment-cancelled")].into();
    let rule = CancelRule::new(types, vec!["visit.id".to_owned(), "ward".to_owned()], CancelAction::Cancel).unwrap();
    let pending = rule.key(&json!({"visit": {"id": 7}, "ward": "A"})).unwrap();
    let cancels = |event_type: &str, payload| rule.cancellation_key(&EventType::new(event_type), &payload) == Some(pending);
    assert!(cancels(
        "appointment-cancelled",
        json!({"visit": {"id": 7.0, "x": 1}, "ward": "A"})
    ));
    assert!(!cancels("appointment-created", json!({"visit": {"id": 7}, "ward": "A"})));
    let key = |id: &str| rule.key(&serde_json::from_str(&format!(r#"{{"visit": {{"id": {id}}}, "ward": "A"}}"#)).unwrap());
    assert_ne!(key("123456789012345678901234567890"), key("123456789012345678901234567891"));
    assert_eq!(key("1.10"), key("1.1"));
    for other in [
        json!({"visit": {"id": 8}, "ward": "A"}),
        json!({"visit": {"id": "7"}, "ward": "A"}),
        json!({"visit": {"id": 7}}),
        json!({"visit": {"id": 7}, "ward": null}),
    ] {
        assert!(!cancels("appointment-cancelled", other.clone()), "{other}");
    }
    assert_eq!(
        rule.key(&json!({"visit": {}, "ward": {}})),
        None,
        "what lacks a key is called off by nothing"
    );
    let faults = CancelRule::new([].into(), vec!["a..b".to_owned()], CancelAction::Reschedule).unwrap_err();
    assert_eq!(faults.list().len(), 2);
}
