//! The output form of a date rule.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ig_core::date::Pattern;
use serde_json::Value;

use super::iso;

/// The form in which a rule writes dates.
#[derive(Debug, Clone, Default)]
pub(super) enum Output {
    /// ISO 8601 in UTC.
    #[default]
    Iso,
    EpochSeconds,
    EpochMillis,
    Pattern(Pattern),
}

impl Output {
    pub(super) fn compile(text: Option<&str>) -> Result<Self, String> {
        Ok(match text {
            None => Self::Iso,
            Some("epochSeconds") => Self::EpochSeconds,
            Some("epochMillis") => Self::EpochMillis,
            Some(text) => Self::Pattern(Pattern::output(text)?),
        })
    }

    pub(super) fn write(&self, moment: DateTime<Utc>, zone: Tz) -> Result<Value, String> {
        Ok(match self {
            Self::Iso => Value::from(iso(moment)),
            Self::EpochSeconds => Value::from(moment.timestamp()),
            Self::EpochMillis => Value::from(moment.timestamp_millis()),
            Self::Pattern(pattern) => Value::from(pattern.write(&moment.with_timezone(&zone))?),
        })
    }
}
