//! Times that clocks show, found on real clocks.

use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike as _, Utc};

use crate::clock::Timestamp;

/// The longest gap that is looked across: a zone that changes sides of the date line leaves out a day.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(26);

/// When clocks in a zone show this: the first time where they do twice, the first instant after the gap where they never do.
pub fn instant(local: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        LocalResult::None => after_gap(local, zone),
    }
}

fn after_gap(local: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    let minute = local.with_second(0)?.with_nanosecond(0)?;
    let minutes = 1..=LONGEST_GAP.num_minutes();
    let later = minutes.filter_map(|minutes| minute.checked_add_signed(TimeDelta::minutes(minutes)));
    let mut existing = later.filter_map(|local| zone.from_local_datetime(&local).earliest());
    existing.next().map(|at| at.with_timezone(&Utc))
}
