use chrono::{NaiveTime, TimeZone as _, Utc, Weekday};
use proptest::prelude::*;

use super::*;

fn hours(zone: &str, from: (u32, u32), until: (u32, u32)) -> QuietHours {
    let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    QuietHours {
        zone: zone.parse().unwrap(),
        from: time(from),
        until: time(until),
        days: Vec::new(),
        severities: vec![Severity::Info, Severity::Warning],
    }
}

fn utc(day: u32, month: u32, hour: u32, minute: u32) -> Timestamp {
    Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap()
}

#[test]
fn quiet_hours_span_midnight_in_their_zone_and_spare_what_is_critical() {
    let night = hours("Asia/Kolkata", (22, 0), (7, 0));
    // 23:30 of 4 February in Kolkata.
    let late = utc(4, 2, 18, 0);
    assert_eq!(night.hold_until(Severity::Warning, late), Some(utc(5, 2, 1, 30)));
    assert_eq!(night.hold_until(Severity::Critical, late), None);
    assert_eq!(night.hold_until(Severity::Warning, utc(5, 2, 1, 30)), None);
    let weekend = QuietHours {
        days: vec![Weekday::Sat],
        ..night
    };
    assert_eq!(weekend.hold_until(Severity::Warning, late), None);
    assert_eq!(
        weekend.hold_until(Severity::Warning, utc(7, 2, 18, 0)),
        Some(utc(8, 2, 1, 30))
    );
}

#[test]
fn quiet_hours_end_by_the_clock_on_the_wall_on_days_of_23_and_25_hours() {
    let night = hours("Europe/Berlin", (22, 0), (7, 0));
    // Clocks go forward on 29 March and back on 25 October.
    assert_eq!(night.hold_until(Severity::Info, utc(28, 3, 22, 0)), Some(utc(29, 3, 5, 0)));
    assert_eq!(night.hold_until(Severity::Info, utc(24, 10, 21, 0)), Some(utc(25, 10, 6, 0)));
    // 02:30 does not exist in the first night, and exists twice in the second.
    let short = hours("Europe/Berlin", (1, 0), (2, 30));
    assert_eq!(short.hold_until(Severity::Info, utc(29, 3, 0, 30)), Some(utc(29, 3, 1, 0)));
    assert_eq!(short.hold_until(Severity::Info, utc(25, 10, 0, 15)), Some(utc(25, 10, 0, 30)));
    assert_eq!(short.hold_until(Severity::Info, utc(25, 10, 1, 15)), None);
}

#[test]
fn incident_in_quiet_hours_is_recorded_and_told_when_they_end() {
    let mut rules = rules(1, vec![]);
    rules.routing.quiet_hours = vec![hours("UTC", (11, 0), (14, 0))];
    let mut mild = incident(Severity::Warning);
    let plan = look(&mut mild, &rules, 30);
    assert_eq!((told(&plan), plan.held, plan.look_at), (vec![], true, Some(at(2 * HOUR))));
    assert_eq!(told(&look(&mut mild, &rules, 2 * HOUR)), [(1, TellingKind::Firing)]);
    assert_eq!(
        told(&look(&mut incident(Severity::Critical), &rules, 30)),
        [(1, TellingKind::Firing)]
    );
}

proptest! {
    #[test]
    fn quiet_hours_always_end_within_a_day_and_an_hour(
        from in 0u32..24, until in 0u32..24, minute in 0u32..60, second in 0i64..31_536_000,
        zone in prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Asia/Kolkata"), Just("Australia/Lord_Howe")]
    ) {
        let hours = hours(zone, (from, minute), (until, minute));
        let now = utc(1, 1, 0, 0) + TimeDelta::seconds(second);
        if let Some(end) = hours.hold_until(Severity::Info, now) {
            prop_assert!(end > now && end - now <= TimeDelta::hours(25));
            let after = hours.hold_until(Severity::Info, end);
            prop_assert!(from == until || after.is_none(), "they end");
        }
    }
}
