//! Time zones, and what their clocks' changes do to a local time.

use std::str::FromStr;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::clock::Timestamp;
use crate::fault::Faults;

/// The longest gap that is looked across: a zone that changes sides of the date line leaves out a day.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(26);

/// A zone of the IANA database, such as `Asia/Kolkata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Zone {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What clocks there show.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// When clocks there show this: the first time where they do twice, the first instant after the gap where they never do.
    pub fn instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
            LocalResult::None => self.after_gap(local),
        }
    }

    fn after_gap(self, local: NaiveDateTime) -> Option<Timestamp> {
        let minute = local.with_second(0)?.with_nanosecond(0)?;
        let minutes = 1..=LONGEST_GAP.num_minutes();
        let later = minutes.filter_map(|minutes| minute.checked_add_signed(TimeDelta::minutes(minutes)));
        let mut existing = later.filter_map(|local| self.0.from_local_datetime(&local).earliest());
        existing.next().map(|at| at.with_timezone(&Utc))
    }

    /// How far its clocks are from UTC, in a moment.
    pub(crate) fn offset(self, at: Timestamp) -> TimeDelta {
        self.local(at).signed_duration_since(at.naive_utc())
    }
}

/// What clocks show, written as if it were UTC: time that never jumps.
pub(super) fn wall(local: NaiveDateTime) -> DateTime<Utc> {
    local.and_utc()
}

impl FromStr for Zone {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let zone = text.parse().map(Self);
        zone.map_err(|_| Faults::one("", "must be a time zone's name, such as Europe/Berlin"))
    }
}
