//! The time of day that follows a date.

use chrono::{Duration, NaiveTime};

use super::{Cursor, DateError};

/// Reads everything after the date, up to the end of the text.
pub(super) fn time_and_offset(cursor: &mut Cursor<'_>) -> Option<(NaiveTime, Option<Duration>)> {
    cursor.one_of(&['T', 't', ',']);
    cursor.spaces();
    if cursor.is_done() {
        return Some((NaiveTime::MIN, None));
    }
    let time = time(cursor)?;
    cursor.spaces();
    let offset = offset(cursor).ok()?;
    cursor.spaces();
    cursor.remark();
    cursor.is_done().then_some((time, offset))
}

/// `14:00`, `2:00:00.250 pm`, `140000`.
fn time(cursor: &mut Cursor<'_>) -> Option<NaiveTime> {
    if cursor.digits_ahead() > 2 {
        return compact_time(cursor);
    }
    let (hour, _) = cursor.digits()?;
    if cursor.one_of(&[':']).is_none() {
        return hour_alone(cursor, hour);
    }
    let minute = cursor.exactly(2)?;
    let (second, nano) = match cursor.one_of(&[':']) {
        Some(_) => (cursor.exactly(2)?, fraction(cursor)?),
        None => (0, 0),
    };
    let hour = hour_of_day(cursor, hour)?;
    clock_time(hour, minute, second, nano)
}

/// `4 PM`: an hour alone is a time where AM or PM follows.
fn hour_alone(cursor: &mut Cursor<'_>, hour: u32) -> Option<NaiveTime> {
    let before = cursor.left();
    let hour = hour_of_day(cursor, hour)?;
    (cursor.left() < before).then(|| clock_time(hour, 0, 0, 0)).flatten()
}

/// `1400`, `140000`, `140000.250`.
pub(super) fn compact_time(cursor: &mut Cursor<'_>) -> Option<NaiveTime> {
    let (hour, minute) = (cursor.exactly(2)?, cursor.exactly(2)?);
    if cursor.digits_ahead() == 0 {
        return clock_time(hour, minute, 0, 0);
    }
    let second = cursor.exactly(2)?;
    clock_time(hour, minute, second, fraction(cursor)?)
}

fn fraction(cursor: &mut Cursor<'_>) -> Option<u32> {
    match cursor.one_of(&['.', ',']) {
        Some(_) => cursor.nanoseconds(),
        None => Some(0),
    }
}

fn clock_time(hour: u32, minute: u32, second: u32, nano: u32) -> Option<NaiveTime> {
    match second {
        // chrono represents a leap second this way.
        60 => NaiveTime::from_hms_nano_opt(hour, minute, 59, 1_000_000_000 + nano),
        _ => NaiveTime::from_hms_nano_opt(hour, minute, second, nano),
    }
}

/// The hour on a 24-hour clock; AM or PM may follow.
fn hour_of_day(cursor: &mut Cursor<'_>, hour: u32) -> Option<u32> {
    let before = *cursor;
    cursor.spaces();
    let half = cursor.word().to_ascii_lowercase();
    let dotted = half.len() == 1 && cursor.one_of(&['.']).is_some() && cursor.word().eq_ignore_ascii_case("m");
    let afternoon = match half.as_str() {
        "am" => false,
        "pm" => true,
        "a" if dotted => false,
        "p" if dotted => true,
        _ => {
            *cursor = before;
            return Some(hour);
        }
    };
    if dotted {
        cursor.one_of(&['.']);
    }
    (1..=12).contains(&hour).then_some(hour % 12 + if afternoon { 12 } else { 0 })
}

/// `Z`, `UTC`, `+05:30`, `+0530`, `+05`; no offset means the rule's timezone, and any other name is an error.
fn offset(cursor: &mut Cursor<'_>) -> Result<Option<Duration>, DateError> {
    let named = cursor.word();
    if !matches!(named.to_ascii_lowercase().as_str(), "" | "z" | "utc" | "gmt") {
        return Err(DateError::NotADate);
    }
    let Some(sign) = cursor.one_of(&['+', '-']) else {
        return Ok((!named.is_empty()).then(Duration::zero));
    };
    let distance = offset_size(cursor).ok_or(DateError::NotADate)?;
    Ok(Some(if sign == '-' { -distance } else { distance }))
}

fn offset_size(cursor: &mut Cursor<'_>) -> Option<Duration> {
    let hours = cursor.exactly(2)?;
    cursor.one_of(&[':']);
    let minutes = if cursor.digits_ahead() > 0 { cursor.exactly(2)? } else { 0 };
    (hours < 24 && minutes < 60).then(|| Duration::minutes(i64::from(hours * 60 + minutes)))
}
