use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Timelike as _, Weekday};
use proptest::prelude::*;

use super::*;
use crate::schedule::Zone;

/// Zones that make calendars hard: half hours, a change of half an hour, changes at midnight, a skipped date.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Chatham",
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(at(start), at(end)).unwrap()
}

fn lengths(start: &str, end: &str, interval: Interval, name: &str) -> Vec<i64> {
    let grid = Grid::cut(period(start, end), interval, zone(name), 1_000).unwrap();
    grid.pieces()
        .map(|piece| (piece.end() - piece.start()).num_minutes())
        .collect()
}

#[test]
fn a_day_on_which_clocks_are_changed_has_23_or_25_hours() {
    let spring = lengths("2024-03-29T23:00:00Z", "2024-04-01T22:00:00Z", Interval::Day, "Europe/Berlin");
    assert_eq!(spring, [24 * 60, 23 * 60, 24 * 60]);
    let autumn = lengths("2024-10-25T22:00:00Z", "2024-10-28T23:00:00Z", Interval::Day, "Europe/Berlin");
    assert_eq!(autumn, [24 * 60, 25 * 60, 24 * 60]);
    let midnight = lengths(
        "2017-10-14T03:00:00Z",
        "2017-10-16T02:00:00Z",
        Interval::Day,
        "America/Sao_Paulo",
    );
    assert_eq!(midnight, [24 * 60, 23 * 60]);
}

#[test]
fn the_grid_has_both_of_two_equal_hours_and_no_missing_one() {
    let autumn = lengths(
        "2024-10-26T22:00:00Z",
        "2024-10-27T23:00:00Z",
        Interval::Hour,
        "Europe/Berlin",
    );
    assert_eq!(autumn, [60; 25]);
    let spring = lengths(
        "2024-03-30T23:00:00Z",
        "2024-03-31T22:00:00Z",
        Interval::Hour,
        "Europe/Berlin",
    );
    assert_eq!(spring, [60; 23]);
    let half = lengths(
        "2024-04-06T13:00:00Z",
        "2024-04-06T16:30:00Z",
        Interval::Hour,
        "Australia/Lord_Howe",
    );
    assert_eq!(half, [60, 60, 30, 60], "clocks are put back by half an hour at 15:00 UTC");
}

#[test]
fn a_skipped_date_has_no_piece() {
    let days = lengths("2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z", Interval::Day, "Pacific/Apia");
    assert_eq!(days, [24 * 60; 3]);
}

#[test]
fn weeks_begin_on_monday_months_on_the_first_and_end_pieces_are_cut() {
    let grid = Grid::cut(
        period("2024-02-28T12:00:00Z", "2024-03-12T12:00:00Z"),
        Interval::Week,
        Zone::default(),
        10,
    );
    let starts: Vec<_> = grid
        .unwrap()
        .pieces()
        .map(|piece| piece.start().date_naive().to_string())
        .collect();
    assert_eq!(starts, ["2024-02-28", "2024-03-04", "2024-03-11"]);
    let months = lengths("2024-01-31T00:00:00Z", "2024-03-02T00:00:00Z", Interval::Month, "UTC");
    assert_eq!(months, [24 * 60, 29 * 24 * 60, 24 * 60]);
}

#[test]
fn a_period_in_too_many_pieces_is_refused() {
    let day = period("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
    assert_eq!(
        Grid::cut(day, Interval::Hour, Zone::default(), 24).map(|grid| grid.count()),
        Ok(24)
    );
    assert_eq!(
        Grid::cut(day, Interval::Hour, Zone::default(), 23),
        Err(TooManyPieces { max: 23 })
    );
}

/// A period from 2005 to 2030 to the millisecond, an interval that cuts it into few enough pieces, and a zone.
fn any_cut() -> impl Strategy<Value = (Period, Interval, Zone)> {
    let begun = 1_104_537_600_000_i64..1_893_456_000_000;
    let zones = prop::sample::select(&ZONES[..]).prop_map(zone);
    (begun, 0.0..1.0_f64, prop::sample::select(Interval::ALL), zones).prop_map(|(start, part, interval, zone)| {
        let days = match interval {
            Interval::Minute => 1.0,
            Interval::Hour => 20.0,
            Interval::Day | Interval::Week | Interval::Month => 90.0,
        };
        let start = DateTime::from_timestamp_millis(start).unwrap();
        let end = start + TimeDelta::milliseconds(1) + part_of(TimeDelta::days(1), days * part);
        (Period::new(start, end).unwrap(), interval, zone)
    })
}

fn part_of(length: TimeDelta, part: f64) -> TimeDelta {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is a whole number of milliseconds in a hundred days"
    )]
    let millis = (length.num_milliseconds() as f64 * part) as i64;
    TimeDelta::milliseconds(millis)
}

fn grid(period: Period, interval: Interval, zone: Zone) -> Grid {
    Grid::cut(period, interval, zone, 100_000).unwrap()
}

proptest! {
    #[test]
    fn pieces_cover_the_period_without_gap_or_overlap((period, interval, zone) in any_cut()) {
        let grid = grid(period, interval, zone);
        let pieces: Vec<_> = grid.pieces().collect();
        prop_assert_eq!(pieces.len(), grid.count());
        prop_assert_eq!(pieces.first().map(|piece| piece.start()), Some(period.start()));
        prop_assert_eq!(pieces.last().map(|piece| piece.end()), Some(period.end()));
        for pair in pieces.windows(2) {
            prop_assert_eq!(pair[0].end(), pair[1].start());
        }
    }

    #[test]
    fn every_piece_but_the_first_begins_on_a_calendar_boundary((period, interval, zone) in any_cut()) {
        let changes: Vec<_> = offset_spans(zone, period).iter().map(|span| span.from).collect();
        for piece in grid(period, interval, zone).pieces().skip(1) {
            let local = zone.local(piece.start());
            // A piece that begins at a change of clocks may show any local time.
            let at_change = changes.contains(&piece.start());
            let midnight = local.time() == NaiveTime::MIN || at_change;
            let begins = match interval {
                Interval::Minute => local.second() == 0 && local.nanosecond() == 0,
                Interval::Hour => (local.minute() == 0 && local.second() == 0) || at_change,
                Interval::Day => midnight,
                Interval::Week => midnight && (local.weekday() == Weekday::Mon || at_change),
                Interval::Month => midnight && (local.day() == 1 || at_change),
            };
            prop_assert!(begins, "{local} in {}", zone.name());
        }
    }

    #[test]
    fn a_moment_lies_in_the_piece_of_its_granule((period, interval, zone) in any_cut(), part in 0.0..1.0_f64) {
        let at = period.start() + part_of(period.end() - period.start(), part);
        let grid = grid(period, interval, zone);
        let index = grid.index_of(at).unwrap();
        let piece = grid.pieces().nth(index).unwrap();
        prop_assert!(piece.start() <= at && at < piece.end());
        let spans = offset_spans(zone, period);
        let span = spans.iter().rfind(|span| span.from <= at).unwrap();
        prop_assert_eq!(span.offset, zone.offset(at));
        let granule = span.granule(at, interval.granule());
        prop_assert_eq!(grid.index_of(granule), Some(index), "{} from {}", at, granule);
    }

    #[test]
    fn a_moment_outside_the_period_is_in_no_piece((period, interval, zone) in any_cut()) {
        let grid = grid(period, interval, zone);
        prop_assert_eq!(grid.index_of(period.end()), None);
        prop_assert_eq!(grid.index_of(period.start() - TimeDelta::milliseconds(1)), None);
    }
}
