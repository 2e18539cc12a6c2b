//! Timezones by name or offset.

use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeZone, Utc};
use chrono_tz::Tz;

use super::cursor::Cursor;

/// Where clocks show a time.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Zone {
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
    /// The zone of this name or offset.
    pub(in super::super) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let named = name.parse().ok().map(Self::Named);
        named.or_else(|| Cursor::new(name).only_offset().map(Self::Offset))
    }

    /// The moment at which a clock shows this time. Of two the first; a time that never comes is read with the offset from before
    /// the change, as iCalendar (RFC 5545, 3.3.5) does.
    pub(super) fn moment(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self {
            Self::Named(zone) => moment(local, &zone),
            Self::Offset(offset) => moment(local, &offset),
        }
    }
}

fn moment<Z: TimeZone>(local: NaiveDateTime, zone: &Z) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => Some(moment.with_timezone(&Utc)),
        LocalResult::None => {
            let day_before = local.checked_sub_signed(Duration::days(1))?;
            let before = zone.offset_from_local_datetime(&day_before).earliest()?;
            let utc = local.checked_sub_signed(Duration::seconds(before.fix().local_minus_utc().into()))?;
            Some(utc.and_utc())
        }
    }
}
