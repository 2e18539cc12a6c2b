//! Moments as people write them: with an offset, or as clocks in some zone show them.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde_json::Value;

use super::zone::Zone;
use crate::clock::Timestamp;
use crate::fault::Faults;

const LOCAL_FORMS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
];
/// Larger numbers of seconds since 1970 are milliseconds: the year 5138.
const LARGEST_SECONDS: f64 = 1e11;

/// A moment that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant: told with its offset, or as a number since 1970.
    Instant(Timestamp),
    /// What clocks show.
    Local(NaiveDateTime),
    /// A day.
    Day(NaiveDate),
}

impl Moment {
    /// When it is, or begins, in a zone.
    pub fn start(self, zone: Zone) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Local(local) => zone.instant(local),
            Self::Day(day) => zone.instant(day.and_time(NaiveTime::MIN)),
        }
    }

    /// Whether something is no later than it; a day lasts until its end.
    pub fn has_not_passed(self, at: Timestamp, zone: Zone) -> bool {
        match self {
            Self::Day(day) => {
                let next = day.checked_add_days(Days::new(1)).map(Self::Day);
                next.and_then(|next| next.start(zone)).is_none_or(|next| at < next)
            }
            Self::Instant(_) | Self::Local(_) => self.start(zone).is_none_or(|last| at <= last),
        }
    }

    /// The moment that a payload or a script tells: a text, or a number of seconds or milliseconds since 1970.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => since_1970(number.as_f64()?).map(Self::Instant),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn since_1970(number: f64) -> Option<Timestamp> {
    let millis = if number.abs() < LARGEST_SECONDS {
        number * 1000.0
    } else {
        number
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a millisecond, and what no calendar reaches"
    )]
    let millis = millis as i64;
    DateTime::from_timestamp_millis(millis)
}

impl FromStr for Moment {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(at.with_timezone(&Utc)));
        }
        let local = LOCAL_FORMS
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let moment = local.map(Self::Local).or_else(|| day().map(Self::Day));
        moment.ok_or_else(|| Faults::one("", "must be a time such as 2026-03-29T02:30:00, with an offset or without"))
    }
}
