use std::time::Duration;

use bytes::Bytes;
use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::json;

use super::*;
use crate::id::{EventId, EventType, SourceId};
use crate::integration::HttpMethod;
use crate::schedule::ScheduleMode;

fn every_second(more: u32) -> ScheduledDelivery {
    let event = EventRef {
        source: SourceId::new("mysql"),
        id: EventId::new("7"),
        event_type: EventType::new("visit"),
        created_at: Some(noon()),
    };
    let integration = IntegrationId([3; 12]);
    let config = json!({"intervalMs": 1000, "maxOccurrences": more});
    ScheduledDelivery {
        id: ScheduledDelivery::identity(&event, integration, Some(1)),
        org_id: OrgId(1),
        entity_rid: Rid(1),
        integration,
        integration_name: "Reminders".to_owned(),
        event,
        position: 7,
        happened_at: noon(),
        target: Target {
            url: "https://a.example/hook".parse().unwrap(),
            method: HttpMethod::Post,
        },
        payload: Bytes::from_static(b"{}"),
        scheduled_for: noon() + TimeDelta::seconds(1),
        series: Some(Series {
            number: 1,
            at: noon() + TimeDelta::seconds(1),
            schedule: Schedule::read(ScheduleMode::Recurring, Some(&config)).unwrap(),
            zone: Zone::default(),
        }),
        cancellation_keys: Vec::new(),
        status: ScheduledStatus::Failed,
        error: Some("it answered 500".to_owned()),
        cancellation: None,
        trace_id: "t".to_owned(),
        keep_for: Duration::from_mins(1),
        created_at: noon(),
        updated_at: noon(),
    }
}

fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap()
}

#[test]
fn a_successor_follows_any_outcome_and_is_the_same_whichever_process_creates_it() {
    let first = every_second(3);
    let second = first.successor(noon(), noon() + TimeDelta::hours(5)).unwrap();
    assert_eq!(second.scheduled_for, noon() + TimeDelta::seconds(2));
    assert_eq!(
        (second.status, second.error.clone(), second.number()),
        (ScheduledStatus::Pending, None, Some(2))
    );
    assert_eq!(first.successor(noon(), noon()).unwrap().id, second.id);
    let moved = ScheduledDelivery {
        scheduled_for: noon() + TimeDelta::hours(1),
        ..first.clone()
    };
    let after_moved = moved.successor(noon(), noon()).unwrap();
    assert_eq!(
        after_moved.scheduled_for, second.scheduled_for,
        "one that was moved moves no other"
    );
    let third = second.successor(noon(), noon()).unwrap();
    assert_eq!(third.successor(noon(), noon()), None, "three are enough");
    let ids = [first.id, second.id, third.id];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

#[test]
fn overdue_occurrences_are_skipped_and_counted() {
    let (two_years, day) = (TimeDelta::days(730), TimeDelta::days(1));
    let now = noon() + two_years;
    let first = every_second(u32::MAX);
    let next = first.successor(now - day, now).unwrap();
    assert_eq!(next.scheduled_for, now - day);
    let missed = u32::try_from((two_years - day).num_seconds()).unwrap() - 2;
    assert_eq!(next.number(), Some(missed + 2));
    assert!(first.missed_note(now - day).unwrap().starts_with(&missed.to_string()));
    assert_eq!(first.missed_note(noon()), None);
    let few = every_second(9);
    assert_eq!(few.successor(now - day, now), None);
    assert!(
        few.missed_note(now - day).unwrap().starts_with("8 "),
        "{:?}",
        few.missed_note(now - day)
    );
}

#[test]
fn a_scheduled_delivery_has_the_identity_of_its_first_log() {
    let first = every_second(1);
    assert_eq!(first.id.0, first.message_id(0).log_id(first.event.created_at).0);
    assert_ne!(first.message_id(0), first.message_id(1));
    let command = first.command(1, "claim".to_owned());
    assert_eq!(
        (command.message_id, command.trigger),
        (first.message_id(1), TriggerType::Scheduled)
    );
    let once = ScheduledDelivery { series: None, ..first };
    assert_eq!(once.successor(noon(), noon()), None);
    assert_eq!(
        once.message_id(0),
        MessageId::derive(&once.event.source, &once.event.id, once.integration, 0)
    );
}

#[test]
fn cancellation_compares_positions_within_a_source_and_times_across_sources() {
    let key = CancellationKey::new(OrgId(1), IntegrationId([3; 12]), crate::schedule::MatchKey([1; 16]));
    let planned = ScheduledDelivery {
        cancellation_keys: vec![key],
        ..every_second(1)
    };
    let cancelling = |source: &str, position, happened_at| CancellationEvent {
        org_id: planned.org_id,
        integration: planned.integration,
        key,
        event: EventRef {
            source: SourceId::new(source),
            ..planned.event.clone()
        },
        position,
        happened_at,
        replacement: None,
        reason: String::new(),
        keep_for: Duration::ZERO,
        decided_at: noon(),
    };
    let (before, after) = (noon() - TimeDelta::hours(1), noon() + TimeDelta::hours(1));
    assert!(cancelling("mysql", 8, before).cancels(&planned));
    assert!(!cancelling("mysql", 7, after).cancels(&planned), "not what it planned itself");
    assert!(!cancelling("mysql", 6, after).cancels(&planned));
    assert!(cancelling("push", 1, after).cancels(&planned));
    assert!(!cancelling("push", 9, before).cancels(&planned));
    let other = ScheduledDelivery {
        cancellation_keys: Vec::new(),
        ..planned.clone()
    };
    assert!(!cancelling("mysql", 8, after).cancels(&other));
}
