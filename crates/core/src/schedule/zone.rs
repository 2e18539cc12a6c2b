//! Time zones, and what their clocks' changes do to a local time.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::clock::Timestamp;
use crate::date;
use crate::fault::Faults;

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
        date::instant(local, &self.0)
    }

    /// Its clocks.
    pub(crate) fn clocks(self) -> Tz {
        self.0
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
