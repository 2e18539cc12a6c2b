//! Moments as written: with an offset, or as local time in some zone.

use std::str::FromStr;

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use serde_json::Value;

use super::{Forms, wall};
use crate::clock::Timestamp;
use crate::fault::Faults;

/// A moment as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant: written with its offset, or as a number since 1970.
    Instant(Timestamp),
    /// A local time.
    Local(NaiveDateTime),
    /// A day.
    Day(NaiveDate),
}

impl Moment {
    /// The instant in a zone; a day counts from its start.
    pub fn start(self, zone: &impl TimeZone) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Local(local) => wall::instant(local, zone),
            Self::Day(day) => wall::instant(day.and_time(NaiveTime::MIN), zone),
        }
    }

    /// Whether `at` is no later than this moment; a day lasts until its end.
    pub fn has_not_passed(self, at: Timestamp, zone: &impl TimeZone) -> bool {
        match self {
            Self::Day(day) => {
                let next = day.checked_add_days(Days::new(1)).map(Self::Day);
                next.and_then(|next| next.start(zone)).is_none_or(|next| at < next)
            }
            Self::Instant(_) | Self::Local(_) => self.start(zone).is_none_or(|last| at <= last),
        }
    }

    /// Reads a payload's or a script's value: a text, or a number of seconds or milliseconds since 1970.
    pub fn of(value: &Value) -> Option<Self> {
        Forms::default().read(value).ok()
    }

    /// Its year as written.
    pub(super) fn year(self) -> i32 {
        match self {
            Self::Instant(at) => at.year(),
            Self::Local(local) => local.year(),
            Self::Day(day) => day.year(),
        }
    }
}

impl FromStr for Moment {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let fault = |_| Faults::single("", "must be a time such as 2026-03-29T02:30:00, with an offset or without");
        Forms::default().read_text(text).map_err(fault)
    }
}
