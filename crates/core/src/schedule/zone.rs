//! Timezones, and how changes of their clocks affect local times.

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

    /// The local time at an instant.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// The instant of a local time: the first one where the time occurs twice, the first after the gap where it does not exist.
    pub fn instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        date::instant(local, &self.0)
    }

    /// The underlying timezone.
    pub(crate) fn clocks(self) -> Tz {
        self.0
    }

    /// The offset from UTC at an instant.
    pub(crate) fn offset(self, at: Timestamp) -> TimeDelta {
        self.local(at).signed_duration_since(at.naive_utc())
    }
}

/// A local time written as if it were UTC, so that it never jumps.
pub(super) fn wall(local: NaiveDateTime) -> DateTime<Utc> {
    local.and_utc()
}

impl FromStr for Zone {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let zone = text.parse().map(Self);
        zone.map_err(|_| Faults::single("", "must be a time zone's name, such as Europe/Berlin"))
    }
}
