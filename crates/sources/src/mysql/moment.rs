//! When a row was written, in whatever form its column has.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use ig_core::clock::Timestamp;
use ig_core::schedule::Zone;
use mysql_async::Value;

/// Reads a DATETIME or TIMESTAMP, a number since 1970, or a text of either kind; `zone` is where clocks showed a time without an offset.
pub(super) fn read(value: &Value, zone: Zone) -> Option<Timestamp> {
    match value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let date = NaiveDate::from_ymd_opt((*year).into(), (*month).into(), (*day).into())?;
            let time = date.and_hms_micro_opt((*hour).into(), (*minute).into(), (*second).into(), *micros)?;
            zone.instant(time)
        }
        Value::Int(number) => since_1970(*number),
        Value::UInt(number) => since_1970(i64::try_from(*number).ok()?),
        Value::Double(number) => fraction(*number),
        Value::Float(number) => fraction((*number).into()),
        Value::Bytes(text) => written(std::str::from_utf8(text).ok()?.trim(), zone),
        Value::NULL | Value::Time(..) => None,
    }
}

/// Seconds, milliseconds or microseconds: which one, its size says. As seconds, the border lies in the year 5138; as milliseconds,
/// in 1973.
fn since_1970(number: i64) -> Option<Timestamp> {
    const FIRST_MILLISECONDS: u64 = 100_000_000_000;
    const FIRST_MICROSECONDS: u64 = FIRST_MILLISECONDS * 1000;
    match number.unsigned_abs() {
        0..FIRST_MILLISECONDS => DateTime::from_timestamp(number, 0),
        FIRST_MILLISECONDS..FIRST_MICROSECONDS => DateTime::from_timestamp_millis(number),
        FIRST_MICROSECONDS.. => DateTime::from_timestamp_micros(number),
    }
}

/// A number with a fraction is one of seconds, unless it is too large for that.
fn fraction(number: f64) -> Option<Timestamp> {
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
        since_1970(whole(number))
    }
}

fn written(text: &str, zone: Zone) -> Option<Timestamp> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.with_timezone(&Utc));
    }
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return zone.instant(moment);
    }
    text.parse().map_or_else(|_| fraction(text.parse().ok()?), since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment_is_that_moment() {
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
    fn a_local_time_is_that_of_its_zone_and_one_with_an_offset_is_its_own() {
        let zone: Zone = "America/New_York".parse().unwrap();
        let utc = |value: &Value| read(value, zone).unwrap().to_rfc3339();
        assert_eq!(utc(&Value::Date(2026, 1, 1, 7, 0, 0, 0)), "2026-01-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Date(2026, 7, 1, 8, 0, 0, 0)), "2026-07-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Bytes("2026-01-01 07:00:00".into())), "2026-01-01T12:00:00+00:00");
        assert_eq!(utc(&Value::Bytes("2026-01-01T12:00:00Z".into())), "2026-01-01T12:00:00+00:00");
    }

    #[test]
    fn what_is_no_moment_is_none() {
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
