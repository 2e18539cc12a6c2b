//! Numbers as dates: seconds or milliseconds since 1970, or the digits of a calendar date.

use chrono::DateTime;
use serde_json::Number;

use super::{DateError, Moment, usual};

/// Numbers from here on are milliseconds: as seconds they would lie after the year 5138.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Whole numbers below this have no more digits than a date with a time.
const FIRST_WITHOUT_CALENDAR: f64 = 1e14;

/// The moment of a number; digits that look like a calendar date are read as one.
pub(super) fn read(number: &Number) -> Result<Moment, DateError> {
    let value = number.as_f64().ok_or(DateError::NotADate)?;
    if let Some(digits) = whole_digits(value) {
        match digits.len() {
            4 | 6 => return Err(DateError::FewDigits),
            12 => refuse_ambiguous_minute(&digits)?,
            8 | 14 if let Ok(moment) = usual::calendar(&digits) => return Ok(moment),
            _ => {}
        }
    }
    since_1970(value).ok_or(DateError::NotADate)
}

/// The moment of a numeric text that is not a calendar date; `None` where the text is not a number.
pub(super) fn of_text(text: &str) -> Option<Result<Moment, DateError>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let negative = unsigned.len() < text.len();
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    match whole.len() {
        8 | 14 if !negative => return None,
        0..=8 if !negative => return Some(Err(DateError::FewDigits)),
        12 if !negative && let Err(reason) = refuse_ambiguous_minute(whole) => return Some(Err(reason)),
        _ => {}
    }
    Some(text.parse().ok().and_then(since_1970).ok_or(DateError::NotADate))
}

/// The value of a number in a text.
pub(super) fn value(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// The moment this many milliseconds after 1970.
pub(super) fn millis(value: f64) -> Option<Moment> {
    if !value.is_finite() {
        return None;
    }
    // A float beyond the range of i64 saturates, and chrono refuses what is beyond its own.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked by the next call")]
    DateTime::from_timestamp_millis(value.round() as i64).map(Moment::Instant)
}

/// The digits of a number, for patterns.
pub(super) fn digits(number: &Number) -> String {
    number.as_f64().and_then(whole_digits).unwrap_or_else(|| number.to_string())
}

fn since_1970(value: f64) -> Option<Moment> {
    let seconds = value.abs() < FIRST_MILLISECONDS;
    millis(if seconds { value * 1000.0 } else { value })
}

/// The digits of a whole number that is not negative and no longer than a calendar date with a time.
fn whole_digits(value: f64) -> Option<String> {
    let is_whole = value.fract() == 0.0 && (0.0..FIRST_WITHOUT_CALENDAR).contains(&value);
    is_whole.then(|| format!("{value:.0}"))
}

/// Twelve digits may be milliseconds, unless they spell a date and a time as well.
fn refuse_ambiguous_minute(digits: &str) -> Result<(), DateError> {
    match usual::calendar(digits) {
        Ok(_) => Err(DateError::TwelveDigits),
        Err(_) => Ok(()),
    }
}
