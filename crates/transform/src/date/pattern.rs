//! A strftime pattern, taken apart once.

use std::fmt::Write as _;

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use super::local;

/// A pattern for reading or writing dates.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
}

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let fault = || "must be a strftime pattern, such as %Y-%m-%d %H:%M".to_owned();
        let items = StrftimeItems::new(text).parse_to_owned().map_err(|_| fault())?;
        if items.iter().all(|item| {
            matches!(
                item,
                Item::Literal(_) | Item::OwnedLiteral(_) | Item::Space(_) | Item::OwnedSpace(_)
            )
        }) {
            return Err(fault());
        }
        let text = text.to_owned();
        Ok(Self { text, items })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The moment that a text names; one without an offset is read in the zone, one without a time is midnight.
    pub(super) fn read(&self, text: &str, zone: Tz) -> Option<DateTime<Utc>> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text.trim(), self.items.iter()).ok()?;
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

    pub(super) fn write(&self, moment: DateTime<Tz>) -> Result<String, String> {
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(self.items.iter()))
            .map_err(|_| format!("the date cannot be written as {}", self.text))?;
        Ok(text)
    }
}
