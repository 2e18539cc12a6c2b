//! A date pattern, parsed once.

use std::fmt::{Display, Write as _};

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Moment, tokens};

/// Earlier years result from patterns with too few digits, such as 26 for 2026.
const FIRST_YEAR: i32 = 1000;

/// The first two-digit year that belongs to the 20th century.
const FIRST_OF_1900S: i32 = 69;

/// 13:45:56.789 on Monday, 23 November 2026: no two components are alike.
const SAMPLE_MILLIS: i64 = 1_795_441_556_789;

/// A pattern for parsing or formatting dates.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
}

impl Pattern {
    /// A pattern for parsing; it has to name a whole date.
    pub(super) fn input(text: &str) -> Result<Self, String> {
        let pattern = Self::compile(text, tokens::PatternUse::Input)?;
        let sample = DateTime::from_timestamp_millis(SAMPLE_MILLIS).unwrap_or_default();
        // Specifiers that only parse, such as %#z, cannot format the sample.
        match pattern.write(&sample.with_timezone(&Tz::UTC)) {
            Ok(text) if pattern.read(&text).is_none() => Err(
                "must name a whole date, and with hours also minutes, and AM or PM beside 12 hours: such as DD/MM/YYYY hh:mm A"
                    .to_owned(),
            ),
            _ => Ok(pattern),
        }
    }

    /// A pattern for formatting.
    pub fn output(text: &str) -> Result<Self, String> {
        Self::compile(text, tokens::PatternUse::Output)
    }

    fn compile(text: &str, pattern_use: tokens::PatternUse) -> Result<Self, String> {
        let fault = || "must be a pattern such as DD/MM/YYYY HH:mm, or one of strftime such as %d/%m/%Y %H:%M".to_owned();
        let strftime = if text.contains('%') {
            text.to_owned()
        } else {
            tokens::to_strftime(text, pattern_use)?
        };
        let items = StrftimeItems::new(&strftime).parse_to_owned().map_err(|_| fault())?;
        let is_fixed = |item: &Item<'_>| {
            matches!(
                item,
                Item::Literal(_) | Item::OwnedLiteral(_) | Item::Space(_) | Item::OwnedSpace(_)
            )
        };
        if items.iter().all(is_fixed) {
            return Err(fault());
        }
        let text = text.to_owned();
        Ok(Self { text, items })
    }

    /// Reads a text as a moment.
    pub(super) fn read(&self, text: &str) -> Option<Moment> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        name_century(&mut parsed)?;
        moment(&parsed).filter(|moment| moment.year() >= FIRST_YEAR)
    }

    /// Formats a moment as local time in its zone.
    pub fn write<Z: TimeZone<Offset: Display>>(&self, moment: &DateTime<Z>) -> Result<String, String> {
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(self.items.iter()))
            .map_err(|_| format!("the date cannot be written as {}", self.text))?;
        Ok(text)
    }
}

/// Two-digit years follow POSIX: 69 to 99 belong to the 20th century.
fn name_century(parsed: &mut Parsed) -> Option<()> {
    match (parsed.year_mod_100(), parsed.year(), parsed.year_div_100()) {
        (Some(year), None, None) => parsed.set_year_div_100(if year >= FIRST_OF_1900S { 19 } else { 20 }).ok(),
        _ => Some(()),
    }
}

fn moment(parsed: &Parsed) -> Option<Moment> {
    if let Ok(moment) = parsed.to_datetime() {
        return Some(Moment::Instant(moment.with_timezone(&Utc)));
    }
    if let Some(seconds) = parsed.timestamp() {
        return DateTime::from_timestamp(seconds, parsed.nanosecond().unwrap_or(0)).map(Moment::Instant);
    }
    let date = parsed.to_naive_date().ok()?;
    if parsed.hour_mod_12().is_none() && parsed.hour_div_12().is_none() {
        return Some(Moment::Day(date));
    }
    Some(Moment::Local(date.and_time(parsed.to_naive_time().ok()?)))
}
