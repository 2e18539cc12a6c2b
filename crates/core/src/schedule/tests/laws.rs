//! Laws that hold for every schedule.

use super::*;

fn zones() -> impl Strategy<Value = Zone> {
    let names = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Apia",
        "Africa/Casablanca",
        "UTC",
    ];
    prop::sample::select(names.to_vec()).prop_map(zone)
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000i64..1_900_000_000).prop_map(|second| chrono::DateTime::from_timestamp(second, 0).unwrap())
}

fn rules() -> impl Strategy<Value = String> {
    let minute = prop::sample::select(vec!["0", "30", "*/7", "15,45", "*"]);
    let hour = prop::sample::select(vec!["*", "1", "2", "*/2", "0-3", "23"]);
    let day = prop::sample::select(vec!["* * *", "* * SUN", "*/5 * *", "L * *"]);
    (minute, hour, day).prop_map(|(minute, hour, day)| format!("{minute} {hour} {day}"))
}

proptest! {
    #[test]
    fn occurrences_ascend_and_each_follows_from_the_one_before(rule in rules(), zone in zones(), from in moments()) {
        let recurrence = cron(&rule, zone.name());
        let occurrences = recurrence.occurrences(from, 20, Zone::default());
        prop_assert_eq!(occurrences.len(), 20);
        prop_assert!(occurrences[0].at > from);
        for pair in occurrences.windows(2) {
            prop_assert!(pair[0].at < pair[1].at && pair[0].number + 1 == pair[1].number);
        }
    }

    /// Compares with the plainest implementation: every minute of two days, one by one.
    #[test]
    fn cron_fires_exactly_when_a_minute_by_minute_search_says(rule in rules(), zone in zones(), from in moments()) {
        let parsed: CronRule = rule.parse().unwrap();
        let every_hour = rule.split(' ').nth(1) == Some("*");
        let pattern = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build().parse(&rule).unwrap();
        let shows = |local: chrono::NaiveDateTime| pattern.is_time_matching(&local.and_utc()).unwrap();
        let from = from - TimeDelta::seconds(from.timestamp().rem_euclid(60));
        let until = from + TimeDelta::days(2);
        let mut expected = std::collections::BTreeSet::new();
        if every_hour {
            let minutes = (1..=2 * 24 * 60).map(|minute| from + TimeDelta::minutes(minute));
            expected.extend(minutes.filter(|at| shows(zone.local(*at))));
        } else {
            // Local minutes from two days before, since a gap may carry one forward by a day.
            let locals = (-2 * 24 * 60..5 * 24 * 60).map(|minute| zone.local(from) + TimeDelta::minutes(minute));
            expected.extend(locals.filter(|local| shows(*local)).filter_map(|local| zone.instant(local)));
            expected.retain(|at| *at > from && *at <= until);
        }
        let mut fired = std::collections::BTreeSet::new();
        let mut last = from;
        while let Some(next) = parsed.next(last, zone).filter(|next| *next <= until) {
            fired.insert(next);
            last = next;
        }
        prop_assert_eq!(fired, expected);
    }

    #[test]
    fn a_local_time_converts_to_its_instant_and_only_a_gap_changes_it(zone in zones(), from in moments()) {
        let local = zone.local(from);
        let found = zone.instant(local).unwrap();
        prop_assert_eq!(zone.local(found), local);
        prop_assert!(found <= from, "the first of two");
    }

    #[test]
    fn an_interval_stays_on_the_grid_of_its_first_time(interval_ms in 1000u64..10_000_000, late_s in 0i64..10_000_000) {
        let begin = at("2026-01-01T00:00:00Z");
        let form = RecurrenceForm { interval_ms: Some(interval_ms), first_at: Some("2026-01-01T00:00:00Z"), ..RecurrenceForm::default() };
        let event_at = begin + TimeDelta::seconds(late_s);
        let first = Recurrence::new(form).unwrap().first(event_at, Zone::default()).unwrap();
        prop_assert_eq!((first.at - begin).num_milliseconds() % i64::try_from(interval_ms).unwrap(), 0);
        prop_assert!(first.at >= event_at && first.at - event_at < TimeDelta::milliseconds(interval_ms.cast_signed()));
    }
}
