//! Dates that no pattern describes: ISO 8601, and seconds or milliseconds since 1970.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Number;

use super::local;

/// Forms with an offset; `%#z` takes `Z`, `+05`, `+0530` and `+05:30`.
const WITH_OFFSET: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M%#z",
    "%Y%m%dT%H%M%S%.f%#z",
];
const WITH_TIME: [&str; 5] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%S%.f",
];
const DATE_ONLY: [&str; 2] = ["%Y-%m-%d", "%Y%m%d"];

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Reads a text; one without an offset is read in the zone.
pub(super) fn text(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.with_timezone(&Utc));
    }
    if text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(&text.parse().ok()?);
    }
    if let Some(moment) = WITH_OFFSET.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()) {
        return Some(moment.with_timezone(&Utc));
    }
    local::moment(on_the_wall(text)?, zone)
}

fn on_the_wall(text: &str) -> Option<NaiveDateTime> {
    let with_time = WITH_TIME
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    with_time.or_else(|| {
        let date = DATE_ONLY.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
        Some(date.and_time(NaiveTime::MIN))
    })
}

/// Reads seconds or milliseconds since 1970, by their size.
pub(super) fn number(number: &Number) -> Option<DateTime<Utc>> {
    let value = number.as_f64()?;
    let milliseconds = if value.abs() < FIRST_MILLISECONDS {
        value * 1000.0
    } else {
        value
    };
    // A float beyond the range of i64 saturates, and chrono refuses what is beyond its own.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked by the next call")]
    DateTime::from_timestamp_millis(milliseconds.round() as i64)
}
