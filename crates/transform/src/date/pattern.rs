//! A pattern, taken apart once.

use std::fmt::Write as _;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike as _, NaiveTime, Utc};
use chrono_tz::Tz;

use super::{local, tokens};

/// Years before this come of patterns that were given too few digits, such as 26 for 2026.
const FIRST_YEAR: i32 = 1000;

/// 13:45:56.789 on Monday, 23 November 2026: no two parts are alike.
const SAMPLE_MILLIS: i64 = 1_795_441_556_789;

/// A pattern for reading or writing dates.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
}

impl Pattern {
    /// A pattern to read by; it has to name a whole date.
    pub(super) fn input(text: &str) -> Result<Self, String> {
        let pattern = Self::compile(text, tokens::Side::Input)?;
        let sample = DateTime::from_timestamp_millis(SAMPLE_MILLIS).unwrap_or_default();
        // What can only be read, such as %#z, cannot be tried on the sample.
        match pattern.write(sample.with_timezone(&Tz::UTC)) {
            Ok(text) if pattern.read(&text, Tz::UTC).is_none() => Err(
                "must name a whole date, and with hours also minutes, and AM or PM beside 12 hours: such as DD/MM/YYYY hh:mm A"
                    .to_owned(),
            ),
            _ => Ok(pattern),
        }
    }

    /// A pattern to write by.
    pub(super) fn output(text: &str) -> Result<Self, String> {
        Self::compile(text, tokens::Side::Output)
    }

    fn compile(text: &str, side: tokens::Side) -> Result<Self, String> {
        let fault = || "must be a pattern such as DD/MM/YYYY HH:mm, or one of strftime such as %d/%m/%Y %H:%M".to_owned();
        let strftime = if text.contains('%') {
            text.to_owned()
        } else {
            tokens::to_strftime(text, side)?
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

    /// The moment that a text names; one without an offset is read in the zone, one without a time is midnight.
    pub(super) fn read(&self, text: &str, zone: Tz) -> Option<DateTime<Utc>> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text.trim(), self.items.iter()).ok()?;
        moment(&parsed, zone).filter(|moment| moment.year() >= FIRST_YEAR)
    }

    pub(super) fn write(&self, moment: DateTime<Tz>) -> Result<String, String> {
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(self.items.iter()))
            .map_err(|_| format!("the date cannot be written as {}", self.text))?;
        Ok(text)
    }
}

fn moment(parsed: &Parsed, zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(moment) = parsed.to_datetime() {
        return Some(moment.with_timezone(&Utc));
    }
    if let Some(seconds) = parsed.timestamp() {
        return DateTime::from_timestamp(seconds, parsed.nanosecond().unwrap_or(0));
    }
    let date = parsed.to_naive_date().ok()?;
    let time = if parsed.hour_mod_12().is_none() && parsed.hour_div_12().is_none() {
        NaiveTime::MIN
    } else {
        parsed.to_naive_time().ok()?
    };
    local::moment(date.and_time(time), zone)
}
