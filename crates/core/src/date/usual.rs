//! The forms in which systems write dates by default.

use chrono::NaiveDate;

use super::cursor::Cursor;
use super::{DateError, Moment};

mod time;

use time::{compact_time, time_and_offset};

/// The order of day and month in `04/02/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayMonthOrder {
    /// Unknown; such a date is refused.
    Unknown,
    DayFirst,
    MonthFirst,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads a text that is not a plain number.
pub(super) fn read(text: &str, order: DayMonthOrder) -> Result<Moment, DateError> {
    let mut cursor = Cursor::new(text);
    let date = date(&mut cursor, order)?;
    if cursor.is_done() {
        return Ok(Moment::Day(date));
    }
    let (time, offset) = time_and_offset(&mut cursor).ok_or(DateError::NotADate)?;
    let local = date.and_time(time);
    let Some(offset) = offset else {
        return Ok(Moment::Local(local));
    };
    let at = local.checked_sub_signed(offset).ok_or(DateError::NotADate)?;
    Ok(Moment::Instant(at.and_utc()))
}

/// Reads eight, twelve or fourteen digits as a moment.
pub(super) fn calendar(digits: &str) -> Result<Moment, DateError> {
    let mut cursor = Cursor::new(digits);
    let date = compact_date(&mut cursor)?;
    if cursor.is_done() {
        return Ok(Moment::Day(date));
    }
    let time = compact_time(&mut cursor).filter(|_| cursor.is_done());
    time.map(|time| Moment::Local(date.and_time(time))).ok_or(DateError::NotADate)
}

fn date(cursor: &mut Cursor<'_>, order: DayMonthOrder) -> Result<NaiveDate, DateError> {
    if cursor.letter_ahead() {
        let mut word = cursor.word();
        if position(&WEEKDAYS, word).is_some() {
            skip_separator(cursor);
            if !cursor.letter_ahead() {
                return numeric_date(cursor, order);
            }
            word = cursor.word();
        }
        let month = position(&MONTHS, word).ok_or(DateError::NotADate)?;
        skip_separator(cursor);
        let day = one_or_two_digits(cursor)?;
        skip_separator(cursor);
        return ymd(year(cursor)?, month, day);
    }
    numeric_date(cursor, order)
}

fn numeric_date(cursor: &mut Cursor<'_>, order: DayMonthOrder) -> Result<NaiveDate, DateError> {
    match cursor.digits_ahead() {
        8 | 14 => compact_date(cursor),
        4 => year_first(cursor),
        1 | 2 => year_last(cursor, order),
        _ => Err(DateError::NotADate),
    }
}

/// `20260204`.
fn compact_date(cursor: &mut Cursor<'_>) -> Result<NaiveDate, DateError> {
    let mut take = |count| cursor.exactly(count).ok_or(DateError::NotADate);
    ymd(take(4)?, take(2)?, take(2)?)
}

/// `2026-02-04`, `2026/2/4`, `2026-Feb-04`.
fn year_first(cursor: &mut Cursor<'_>) -> Result<NaiveDate, DateError> {
    let year = year(cursor)?;
    skip_separator(cursor);
    let month = if cursor.letter_ahead() {
        position(&MONTHS, cursor.word()).ok_or(DateError::NotADate)?
    } else {
        one_or_two_digits(cursor)?
    };
    skip_separator(cursor);
    ymd(year, month, one_or_two_digits(cursor)?)
}

/// `4-Feb-2026`, and `04/02/2026` where the order is known.
fn year_last(cursor: &mut Cursor<'_>, order: DayMonthOrder) -> Result<NaiveDate, DateError> {
    let first = one_or_two_digits(cursor)?;
    skip_separator(cursor);
    if cursor.letter_ahead() {
        let month = position(&MONTHS, cursor.word()).ok_or(DateError::NotADate)?;
        skip_separator(cursor);
        return ymd(year(cursor)?, month, first);
    }
    let second = one_or_two_digits(cursor)?;
    skip_separator(cursor);
    let year = year(cursor)?;
    match order {
        DayMonthOrder::Unknown => Err(DateError::DayOrMonth),
        DayMonthOrder::DayFirst => ymd(year, second, first),
        DayMonthOrder::MonthFirst => ymd(year, first, second),
    }
}

/// Skips a separator between the parts of a date: a mark, or white space, or a comma and white space.
fn skip_separator(cursor: &mut Cursor<'_>) {
    cursor.one_of(&['-', '/', '.', ',']);
    cursor.spaces();
}

fn year(cursor: &mut Cursor<'_>) -> Result<u32, DateError> {
    match cursor.digits() {
        Some((year, 4)) => Ok(year),
        Some((_, 2)) => Err(DateError::TwoDigitYear),
        _ => Err(DateError::NotADate),
    }
}

/// A number of one or two digits.
fn one_or_two_digits(cursor: &mut Cursor<'_>) -> Result<u32, DateError> {
    match cursor.digits() {
        Some((number, 1 | 2)) => Ok(number),
        _ => Err(DateError::NotADate),
    }
}

fn ymd(year: u32, month: u32, day: u32) -> Result<NaiveDate, DateError> {
    let year = i32::try_from(year).map_err(|_| DateError::NotADate)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateError::NotADate)
}

/// The number, from 1, of the name that begins with a word of at least three letters.
fn position(names: &[&str], word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let found = names.iter().position(|name| word.len() >= 3 && name.starts_with(&word))?;
    u32::try_from(found + 1).ok()
}
