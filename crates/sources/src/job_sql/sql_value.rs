//! Values as JSON, without loss.
//!
//! | SQL | JSON |
//! |---|---|
//! | integers, DECIMAL, YEAR | a number with all its digits |
//! | FLOAT, DOUBLE | the shortest number that is the same value |
//! | BIT | a whole number |
//! | DATE | `"2026-01-31"` |
//! | DATETIME | `"2026-01-31T08:30:00"`, as it stands, with the column's digits of a second |
//! | TIMESTAMP | the same with an offset, such as `+05:30`, in the output zone |
//! | TIME | `"-838:59:59"`, with the column's digits of a second |
//! | JSON of MySQL | the value itself; MariaDB's JSON is a text to its clients |
//! | BLOB, BINARY, VECTOR, geometry | base64 |
//! | ENUM, SET and other texts | a text |
//! | a date of zeros | null; one with only its month or day zero is a text |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, NaiveDateTime, Timelike as _};
use ig_core::json;
use ig_core::schedule::Zone;
use mysql_async::consts::ColumnType;
use mysql_async::{Column, Value};
use serde_json::{Number, Value as Json};

/// The character set number of binary strings.
const BINARY: u16 = 63;
/// The most digits of a second.
const MAX_DIGITS: u8 = 6;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Digits with a point.
    Decimal,
    /// A field of bits.
    Bit,
    /// A day.
    Date,
    /// A local time.
    DateTime {
        /// Digits of a second.
        digits: u8,
    },
    /// An instant.
    Timestamp {
        /// Digits of a second.
        digits: u8,
        /// The zone of the session.
        wire: Zone,
        /// The zone to write it in.
        output: Zone,
    },
    /// A duration or a time of day.
    Time {
        /// Digits of a second.
        digits: u8,
    },
    /// A JSON document.
    Json,
    /// Bytes that are no text.
    Binary,
    /// A text, or a number that tells its kind itself.
    Plain,
}

impl ColumnKind {
    pub(super) fn of(column: &Column, wire: Zone, output: Zone) -> Self {
        let digits = column.decimals();
        match column.column_type() {
            ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL => Self::Decimal,
            ColumnType::MYSQL_TYPE_BIT => Self::Bit,
            ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => Self::Date,
            ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => Self::DateTime { digits },
            ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => Self::Timestamp { digits, wire, output },
            ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => Self::Time { digits },
            ColumnType::MYSQL_TYPE_JSON => Self::Json,
            ColumnType::MYSQL_TYPE_GEOMETRY | ColumnType::MYSQL_TYPE_VECTOR => Self::Binary,
            ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
                if column.character_set() == BINARY =>
            {
                Self::Binary
            }
            _ => Self::Plain,
        }
    }
}

/// A value of a column as JSON.
pub(super) fn json(kind: ColumnKind, value: Value) -> Json {
    match value {
        Value::NULL => Json::Null,
        Value::Int(number) => number.into(),
        Value::UInt(number) => number.into(),
        Value::Float(number) => float(&number, f64::from(number)),
        Value::Double(number) => float(&number, number),
        Value::Bytes(bytes) => from_bytes(kind, bytes),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let moment = Moment {
                date: (year, month, day),
                time: (hour, minute, second, micros),
            };
            moment.json(kind)
        }
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let digits = if let ColumnKind::Time { digits } = kind { digits } else { 0 };
            let sign = if is_negative { "-" } else { "" };
            let hours = u64::from(days) * 24 + u64::from(hours);
            let fraction = fraction(digits, micros);
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}").into()
        }
    }
}

/// The shortest number that reads back as the same value, with an exponent where it would have many zeros.
fn float(number: &(impl std::fmt::Display + std::fmt::LowerExp), size: f64) -> Json {
    let is_moderate = size == 0.0 || (1e-5..1e16).contains(&size.abs());
    parsed_number(&if is_moderate {
        number.to_string()
    } else {
        format!("{number:e}")
    })
}

fn from_bytes(kind: ColumnKind, bytes: Vec<u8>) -> Json {
    match kind {
        ColumnKind::Bit => bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)).into(),
        ColumnKind::Binary => STANDARD.encode(bytes).into(),
        ColumnKind::Decimal => parsed_number(without_leading_zeros(&text(bytes))),
        ColumnKind::Json => json::parse(&bytes).unwrap_or_else(|_| text(bytes).into()),
        ColumnKind::Date
        | ColumnKind::DateTime { .. }
        | ColumnKind::Timestamp { .. }
        | ColumnKind::Time { .. }
        | ColumnKind::Plain => text(bytes).into(),
    }
}

/// A number with its digits; what JSON has no number for (infinity) is a text.
fn parsed_number(digits: &str) -> Json {
    digits.parse::<Number>().map_or_else(|_| digits.into(), Json::Number)
}

/// ZEROFILL pads with zeros, which JSON does not allow.
fn without_leading_zeros(digits: &str) -> &str {
    let trimmed = digits.trim_start_matches('0');
    let cut = digits.len() - trimmed.len();
    let begins_with_digit = trimmed.starts_with(|first: char| first.is_ascii_digit());
    if cut == 0 || begins_with_digit {
        trimmed
    } else {
        &digits[cut - 1..]
    }
}

/// A text; the connection's character set is UTF-8, so nothing is replaced.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A date and time as the server sends them.
struct Moment {
    date: (u16, u8, u8),
    time: (u8, u8, u8, u32),
}

impl Moment {
    fn json(&self, kind: ColumnKind) -> Json {
        let Self {
            date: (year, month, day),
            time: (hour, minute, second, micros),
        } = *self;
        if (year, month, day) == (0, 0, 0) {
            return Json::Null;
        }
        let date = format!("{year:04}-{month:02}-{day:02}");
        let time = |digits| format!("{date}T{hour:02}:{minute:02}:{second:02}{}", fraction(digits, micros));
        match kind {
            ColumnKind::Date => date.into(),
            ColumnKind::Timestamp { digits, wire, output } => {
                let instant = self.local().and_then(|local| with_offset(local, digits, wire, output));
                instant.unwrap_or_else(|| time(digits)).into()
            }
            ColumnKind::DateTime { digits } => time(digits).into(),
            _ => time(0).into(),
        }
    }

    fn local(&self) -> Option<NaiveDateTime> {
        let Self {
            date: (year, month, day),
            time: (hour, minute, second, micros),
        } = *self;
        let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
        date.and_hms_micro_opt(hour.into(), minute.into(), second.into(), micros)
    }
}

fn with_offset(local: NaiveDateTime, digits: u8, wire: Zone, output: Zone) -> Option<String> {
    let instant = wire.instant(local)?;
    let written = output.local(instant);
    let minutes = written.signed_duration_since(instant.naive_utc()).num_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    let fraction = fraction(digits, written.nanosecond() / 1_000);
    Some(format!(
        "{}{fraction}{sign}{hours:02}:{minutes:02}",
        written.format("%Y-%m-%dT%H:%M:%S")
    ))
}

/// The fraction of a second with a column's digits. A server that does not tell them sends more than six.
fn fraction(digits: u8, micros: u32) -> String {
    match digits {
        0 => String::new(),
        1..=MAX_DIGITS => format!(".{micros:06}")[..=digits.into()].to_owned(),
        _ if micros == 0 => String::new(),
        _ => format!(".{micros:06}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: ColumnKind, value: Value) -> String {
        json(kind, value).to_string()
    }

    fn bytes(text: &str) -> Value {
        Value::Bytes(text.into())
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        for digits in [
            "0.10",
            "-0.50",
            "123456789012345678901234567890.1234567890",
            "7",
            "-99999999999999999999",
        ] {
            assert_eq!(shown(ColumnKind::Decimal, bytes(digits)), digits);
        }
        assert_eq!(shown(ColumnKind::Decimal, bytes("00012.50")), "12.50");
        assert_eq!(shown(ColumnKind::Decimal, bytes("000.50")), "0.50");
        assert_eq!(shown(ColumnKind::Decimal, bytes("0000")), "0");
        assert_eq!(shown(ColumnKind::Plain, Value::UInt(u64::MAX)), "18446744073709551615");
        assert_eq!(shown(ColumnKind::Plain, Value::Int(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn floats_are_the_shortest_number_of_the_same_value() {
        assert_eq!(shown(ColumnKind::Plain, Value::Float(0.1)), "0.1");
        assert_eq!(shown(ColumnKind::Plain, Value::Double(0.1)), "0.1");
        assert_eq!(shown(ColumnKind::Plain, Value::Double(1e300)), "1e+300");
        assert_eq!(shown(ColumnKind::Plain, Value::Double(-0.0)), "-0");
        assert_eq!(shown(ColumnKind::Plain, Value::Float(3e-40)), "3e-40");
        assert_eq!(shown(ColumnKind::Plain, Value::Double(f64::INFINITY)), "\"inf\"");
    }

    #[test]
    fn dates_are_iso_and_zeros_are_null() {
        let day = Value::Date(2026, 1, 31, 0, 0, 0, 0);
        assert_eq!(shown(ColumnKind::Date, day.clone()), "\"2026-01-31\"");
        assert_eq!(
            shown(ColumnKind::DateTime { digits: 0 }, day.clone()),
            "\"2026-01-31T00:00:00\""
        );
        assert_eq!(shown(ColumnKind::DateTime { digits: 3 }, day), "\"2026-01-31T00:00:00.000\"");
        assert_eq!(shown(ColumnKind::Date, Value::Date(0, 0, 0, 0, 0, 0, 0)), "null");
        assert_eq!(shown(ColumnKind::Date, Value::Date(2026, 5, 0, 0, 0, 0, 0)), "\"2026-05-00\"");
    }

    #[test]
    fn timestamps_have_the_offset_of_the_output_zone() {
        let kind = |wire: &str, output: &str| ColumnKind::Timestamp {
            digits: 6,
            wire: wire.parse().unwrap(),
            output: output.parse().unwrap(),
        };
        let noon = Value::Date(2026, 7, 1, 12, 0, 0, 250);
        assert_eq!(
            shown(kind("UTC", "UTC"), noon.clone()),
            "\"2026-07-01T12:00:00.000250+00:00\""
        );
        assert_eq!(
            shown(kind("UTC", "Asia/Kolkata"), noon.clone()),
            "\"2026-07-01T17:30:00.000250+05:30\""
        );
        assert_eq!(
            shown(kind("UTC", "America/St_Johns"), noon.clone()),
            "\"2026-07-01T09:30:00.000250-02:30\""
        );
        assert_eq!(
            shown(kind("Asia/Kolkata", "UTC"), noon),
            "\"2026-07-01T06:30:00.000250+00:00\""
        );
    }

    #[test]
    fn times_bits_and_bytes_are_complete() {
        let longest = Value::Time(true, 34, 22, 59, 59, 0);
        assert_eq!(shown(ColumnKind::Time { digits: 0 }, longest), "\"-838:59:59\"");
        assert_eq!(
            shown(ColumnKind::Time { digits: 2 }, Value::Time(false, 0, 1, 2, 3, 40_000)),
            "\"01:02:03.04\""
        );
        assert_eq!(shown(ColumnKind::Bit, Value::Bytes(vec![255; 8])), "18446744073709551615");
        assert_eq!(shown(ColumnKind::Binary, Value::Bytes(vec![0, 255])), "\"AP8=\"");
        assert_eq!(
            shown(ColumnKind::Json, bytes(r#"{"a": 9007199254740993}"#)),
            r#"{"a":9007199254740993}"#
        );
        assert_eq!(shown(ColumnKind::Plain, bytes("ä")), "\"ä\"");
        assert_eq!(shown(ColumnKind::Plain, Value::NULL), "null");
    }
}
