//! Converts local times to instants.

use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike as _, Utc};

use crate::clock::Timestamp;

/// The longest gap to search across: a zone that crosses the date line skips a day.
const MAX_GAP: TimeDelta = TimeDelta::hours(26);

/// The instant of a local time in a zone: the first one where the time occurs twice, the first after the gap where it does not
/// exist.
pub fn instant(local: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        LocalResult::None => after_gap(local, zone),
    }
}

fn after_gap(local: NaiveDateTime, zone: &impl TimeZone) -> Option<Timestamp> {
    let minute = local.with_second(0)?.with_nanosecond(0)?;
    let minutes = 1..=MAX_GAP.num_minutes();
    let later = minutes.filter_map(|minutes| minute.checked_add_signed(TimeDelta::minutes(minutes)));
    let mut existing = later.filter_map(|local| zone.from_local_datetime(&local).earliest());
    existing.next().map(|at| at.with_timezone(&Utc))
}
