//! The dates that hospital systems write.
//!
//! Where day and month could be taken for each other, the order that was asked for decides and nothing is guessed: with the month
//! first, `25/03/2024` is no date. Years have four digits.

mod cursor;
mod zone;

use chrono::format::{Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
pub(super) use zone::Zone;

use cursor::Cursor;

/// How a date is to be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub(super) form: Form,
    /// Of dates that name no offset.
    pub(super) zone: Zone,
}

/// The order of day and month with slashes or dashes, or a whole pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// `03/05/2024` is the fifth of March.
    #[default]
    MonthFirst,
    /// `03/05/2024` is the third of May.
    DayFirst,
    /// The year comes first: `03/05/2024` is no date.
    YearFirst,
    /// A strftime pattern, and nothing else.
    Pattern(String),
}

impl Form {
    /// The form of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "MDY" => Some(Self::MonthFirst),
            "DMY" => Some(Self::DayFirst),
            "YMD" => Some(Self::YearFirst),
            pattern if pattern.contains('%') => Some(Self::Pattern(pattern.to_owned())),
            _ => None,
        }
    }
}

/// Date and time as one text.
pub(super) fn joined(date: &str, time: &str) -> String {
    if time.is_empty() {
        date.to_owned()
    } else {
        format!("{date} {time}")
    }
}

/// The moment that a text names.
pub(super) fn read(text: &str, reading: &Reading) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Form::Pattern(pattern) = &reading.form {
        return by_pattern(text, pattern, reading.zone);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() != 8 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return since_1970(text);
    }
    let mut cursor = Cursor::new(text);
    let date = cursor.date(&reading.form)?;
    let (time, zone) = cursor.time_and_zone()?;
    zone.unwrap_or(reading.zone).moment(date.and_time(time))
}

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138.
const FIRST_MILLISECONDS: f64 = 1e11;

fn since_1970(number: &str) -> Option<DateTime<Utc>> {
    let value = number.parse::<f64>().ok()?;
    let milliseconds = if value.abs() < FIRST_MILLISECONDS {
        value * 1000.0
    } else {
        value
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked by the next call")]
    DateTime::from_timestamp_millis(milliseconds.round() as i64)
}

fn by_pattern(text: &str, pattern: &str, zone: Zone) -> Option<DateTime<Utc>> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(pattern)).ok()?;
    if let Ok(moment) = parsed.to_datetime() {
        return Some(moment.with_timezone(&Utc));
    }
    let date: NaiveDate = parsed.to_naive_date().ok()?;
    let timeless = parsed.hour_mod_12().is_none() && parsed.hour_div_12().is_none();
    let time = if timeless {
        NaiveTime::MIN
    } else {
        parsed.to_naive_time().ok()?
    };
    zone.moment(NaiveDateTime::new(date, time))
}

#[cfg(test)]
mod tests;
