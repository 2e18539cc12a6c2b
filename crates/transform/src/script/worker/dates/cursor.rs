//! Reads a date from left to right.

use chrono::{FixedOffset, NaiveDate, NaiveTime};

use super::{Form, Zone};

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

/// A number as it stood there.
#[derive(Debug, Clone, Copy)]
struct Number {
    value: u32,
    digits: usize,
}

/// What is left of a text.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// A date; a weekday before it is passed over.
    pub(super) fn date(&mut self, form: &Form) -> Option<NaiveDate> {
        if self.named(&WEEKDAYS).is_some() {
            self.skip(&[',', ' ']);
        }
        if let Some(month) = self.named(&MONTHS) {
            self.skip(&['.', ' ']);
            let day = self.number()?;
            self.skip(&[',', ' ']);
            let year = self.number()?;
            return date(year, month, day);
        }
        let first = self.number()?;
        if first.digits == 8 {
            return NaiveDate::from_ymd_opt(
                i32::try_from(first.value / 10_000).ok()?,
                first.value / 100 % 100,
                first.value % 100,
            );
        }
        self.numbered(first, form)
    }

    fn numbered(&mut self, first: Number, form: &Form) -> Option<NaiveDate> {
        let separator = self.rest.chars().next()?;
        self.skip(&['-', '/', '.', ' ']);
        if let Some(month) = self.named(&MONTHS) {
            self.skip(&['-', '/', '.', ' ', ',']);
            let year = self.number()?;
            return date(year, month, first);
        }
        let second = self.number()?;
        self.rest = self.rest.strip_prefix(separator)?;
        let third = self.number()?;
        if first.digits == 4 {
            return date(first, second.value, third);
        }
        match (form, separator) {
            // Nobody who separates by dots writes the month first.
            (Form::MonthFirst | Form::DayFirst, '.') | (Form::DayFirst, '-' | '/') => date(third, second.value, first),
            (Form::MonthFirst, '-' | '/') => date(third, first.value, second),
            _ => None,
        }
    }

    /// What follows a date, to the end of the text: perhaps a time, perhaps a zone.
    pub(super) fn time_and_zone(&mut self) -> Option<(NaiveTime, Option<Zone>)> {
        self.skip(&['T', 't', ',', ' ']);
        if self.rest.is_empty() {
            return Some((NaiveTime::MIN, None));
        }
        let time = self.time()?;
        self.skip(&[' ']);
        let zone = if self.rest.is_empty() {
            None
        } else {
            Some(Zone::Offset(self.only_offset()?))
        };
        Some((time, zone))
    }

    fn time(&mut self) -> Option<NaiveTime> {
        let hour = self.number()?;
        let (hour, minute) = if hour.digits == 4 || hour.digits == 6 {
            return compact(hour);
        } else {
            (hour.value, self.after(':').unwrap_or(0))
        };
        let second = self.after(':').unwrap_or(0);
        let nanosecond = self.fraction()?;
        self.skip(&[' ']);
        let hour = match self.half_of_day() {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
        };
        NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)
    }

    /// An offset from UTC, and nothing after it.
    pub(super) fn only_offset(&mut self) -> Option<FixedOffset> {
        for utc in ["Z", "z", "UTC", "GMT"] {
            if self.rest == utc {
                return FixedOffset::east_opt(0);
            }
        }
        let (sign, rest) = match self.rest.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        self.rest = rest;
        let hours = self.number()?;
        let (hours, minutes) = match hours.digits {
            4 => (hours.value / 100, hours.value % 100),
            1 | 2 => (hours.value, self.after(':').unwrap_or(0)),
            _ => return None,
        };
        let within = hours <= 14 && minutes < 60 && self.rest.is_empty();
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        within.then(|| FixedOffset::east_opt(sign * seconds)).flatten()
    }

    fn half_of_day(&mut self) -> Option<bool> {
        for (name, afternoon) in [("am", false), ("pm", true), ("a.m.", false), ("p.m.", true)] {
            if let Some((head, rest)) = self.rest.split_at_checked(name.len())
                && head.eq_ignore_ascii_case(name)
            {
                self.rest = rest;
                return Some(afternoon);
            }
        }
        None
    }

    /// The number after a separator, if that stands there.
    fn after(&mut self, separator: char) -> Option<u32> {
        self.rest = self.rest.strip_prefix(separator)?;
        Some(self.number()?.value)
    }

    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.rest.strip_prefix('.') else {
            return Some(0);
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = rest.split_at(digits);
        self.rest = rest;
        format!("{fraction:0<9}").get(..9)?.parse().ok()
    }

    fn number(&mut self) -> Option<Number> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        let value = number.parse().ok()?;
        self.rest = rest;
        Some(Number { value, digits })
    }

    /// Which of the names stands here, whole or by its first three letters; counted from 1.
    fn named(&mut self, names: &[&str]) -> Option<u32> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = self.rest.split_at(letters);
        let word = word.to_ascii_lowercase();
        let whole = |name: &str| word == name || (word.len() >= 3 && word.len() <= 4 && name.starts_with(&word));
        let index = names.iter().position(|name| whole(name))?;
        self.rest = rest;
        u32::try_from(index + 1).ok()
    }

    fn skip(&mut self, characters: &[char]) {
        self.rest = self.rest.trim_start_matches(characters);
    }
}

fn date(year: Number, month: u32, day: Number) -> Option<NaiveDate> {
    if year.digits != 4 || day.digits > 2 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year.value).ok()?, month, day.value)
}

fn compact(number: Number) -> Option<NaiveTime> {
    let value = if number.digits == 4 {
        number.value * 100
    } else {
        number.value
    };
    NaiveTime::from_hms_opt(value / 10_000, value / 100 % 100, value % 100)
}
