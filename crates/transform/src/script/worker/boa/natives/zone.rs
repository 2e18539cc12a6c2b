//! Timezones by name or offset.

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use ig_core::date::{Moment, Pattern};

/// A timezone.
#[derive(Debug, Clone, Copy)]
pub(super) enum Zone {
    /// A zone of the IANA database.
    Named(Tz),
    /// A fixed distance from UTC.
    Offset(FixedOffset),
}

impl Default for Zone {
    fn default() -> Self {
        Self::Named(Tz::UTC)
    }
}

impl Zone {
    /// The zone of a name or an offset.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let offset = || name.parse().ok().map(Self::Offset);
        name.parse().ok().map(Self::Named).or_else(offset)
    }

    /// A moment by a pattern, as clocks of the zone show it.
    pub(super) fn write(self, moment: DateTime<Utc>, pattern: &Pattern) -> Result<String, String> {
        match self {
            Self::Named(zone) => pattern.write(&moment.with_timezone(&zone)),
            Self::Offset(zone) => pattern.write(&moment.with_timezone(&zone)),
        }
    }

    /// The start of a moment in the zone.
    pub(super) fn start(self, moment: Moment) -> Option<DateTime<Utc>> {
        match self {
            Self::Named(zone) => moment.start(&zone),
            Self::Offset(zone) => moment.start(&zone),
        }
    }
}
