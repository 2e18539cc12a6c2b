//! Reads the time when a row was written, in any of its column's formats.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use ig_core::clock::Timestamp;
use ig_core::schedule::Zone;
use mysql_async::Value;

/// Reads a DATETIME or TIMESTAMP, a number since 1970, or a text of either kind; `zone` applies to times without an offset.
pub(super) fn read(value: &Value, zone: Zone) -> Option<Timestamp> {
    match value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let date = NaiveDate::from_ymd_opt((*year).into(), (*month).into(), (*day).into())?;
            let time = date.and_hms_micro_opt((*hour).into(), (*minute).into(), (*second).into(), *micros)?;
            zone.instant(time)
        }
        Value::Int(number) => from_integer(*number),
        Value::UInt(number) => from_integer(i64::try_from(*number).ok()?),
        Value::Double(number) => from_float(*number),
        Value::Float(number) => from_float((*number).into()),
        Value::Bytes(text) => from_text(std::str::from_utf8(text).ok()?.trim(), zone),
        Value::NULL | Value::Time(..) => None,
    }
}

/// Seconds, milliseconds or microseconds, by size. As seconds, the limit lies in the year 5138; as milliseconds, in 1973.
fn from_integer(number: i64) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: u64 = 100_000_000_000;
    const FIRST_MICROSECONDS: u64 = FIRST_MILLISECONDS * 1000;
    match number.unsigned_abs() {
        0..FIRST_MILLISECONDS => DateTime::from_timestamp(number, 0),
        FIRST_MILLISECONDS..FIRST_MICROSECONDS => DateTime::from_timestamp_millis(number),
        FIRST_MICROSECONDS.. => DateTime::from_timestamp_micros(number),
    }
}

/// A number with a fraction counts seconds, unless it is too large for that.
fn from_float(number: f64) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: f64 = 1e11;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a float saturates, and chrono refuses what is out of range"
    )]
    let whole = |number: f64| number.round() as i64;
    if !number.is_finite() {
        None
    } else if number.abs() < FIRST_MILLISECONDS {
        DateTime::from_timestamp_micros(whole(number * 1e6))
    } else {
        from_integer(whole(number))
    }
}

fn from_text(text: &str, zone: Zone) -> Option<Timestamp> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.with_timezone(&Utc));
    }
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return zone.instant(moment);
    }
    text.parse().map_or_else(|_| from_float(text.parse().ok()?), from_integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_the_same_in_every_format() {
        let text = |text: &str| Value::Bytes(text.into());
        let forms = [
            Value::Date(2026, 1, 1, 12, 0, 0, 500_000),
            Value::Int(1_767_268_800_500),
            Value::UInt(1_767_268_800_500_000),
            Value::Double(1_767_268_800.5),
            text("2026-01-01 12:00:00.5"),
            text("2026-01-01T13:00:00.5+01:00"),
            text("1767268800500"),
            text("1767268800.500"),
        ];
        for form in forms {
            assert_eq!(
                read(&form, Zone::default()).map(|at| at.to_rfc3339()).as_deref(),
                Some("2026-01-01T12:00:00.500+00:00"),
                "{form:?}"
            );
        }
        assert_eq!(
            read(&Value::Int(1_767_268_800), Zone::default()).unwrap().to_rfc3339(),
            "2026-01-01T12:00:00+00:00"
        );
    }

    #[test]
    fn timestamp_without_an_offset_is_read_in_the_given_zone() {
        let zone: Zone = "America/New_York".parse().unwrap();
        let utc = |value: &Value| read(value, zone).unwrap().to_rfc3339();
        assert_eq!(utc(&Value::Date(2026, 1, 1, 7, 0, 0, 0)), "2026-01-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Date(2026, 7, 1, 8, 0, 0, 0)), "2026-07-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Bytes("2026-01-01 07:00:00".into())), "2026-01-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Bytes("2026-01-01T12:00:00Z".into())), "2026-01-01T12:00:00+00:00");
    }

    #[test]
    fn timestamp_is_none_for_other_values() {
        let text = Value::Bytes("yesterday".into());
        for value in [
            Value::NULL,
            Value::Date(0, 0, 0, 0, 0, 0, 0),
            Value::UInt(u64::MAX),
            text,
            Value::Double(f64::NAN),
        ] {
            assert_eq!(read(&value, Zone::default()), None, "{value:?}");
        }
    }
}
