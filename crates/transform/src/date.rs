//! Dates: read in one form, written in another.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use chrono_tz::Tz;
use ig_core::fault::Faults;
use ig_core::integration::DateFormat;
use serde_json::Value;

use crate::error::Problem;

mod cursor;
mod input;
mod local;
mod output;
mod pattern;
mod tokens;
mod usual;

use input::Input;
use output::Output;

/// A date rule, ready to be applied.
#[derive(Debug, Clone)]
pub(crate) struct DateRule {
    input: Input,
    output: Output,
    zone: Tz,
}

/// Why a value could not be read as a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// It is nothing of the kind.
    NotADate,
    /// `04/02/2026`: nobody said which of the two is the month.
    DayOrMonth,
    /// `4-Feb-26`: nobody said of which century.
    TwoDigitYear,
    /// `202602041400`: a date and a time, or milliseconds.
    TwelveDigits,
}

impl DateRule {
    pub(crate) fn compile(format: &DateFormat) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let input = Input::compile(format.input.as_deref());
        let output = Output::compile(format.output.as_deref());
        let rule = Self {
            input: input.map_err(|message| faults.add("/input", message)).unwrap_or_default(),
            output: output.map_err(|message| faults.add("/output", message)).unwrap_or_default(),
            zone: zone(format.timezone.as_deref(), &mut faults),
        };
        faults.into_result(rule)
    }

    /// The date as the rule writes it.
    pub(crate) fn rewrite(&self, value: &Value) -> Result<Value, Problem> {
        let moment = self.input.read(value, self.zone).map_err(Problem::Date)?;
        if !(1..=9999).contains(&moment.year()) {
            return Err(Problem::Date("the date is outside of the years 1 to 9999".to_owned()));
        }
        self.output.write(moment, self.zone).map_err(Problem::Date)
    }
}

/// The form that is written where none is configured.
fn iso(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn zone(name: Option<&str>, faults: &mut Faults) -> Tz {
    let Some(name) = name else { return Tz::UTC };
    name.parse().unwrap_or_else(|_| {
        faults.add("/timezone", "must be an IANA timezone, such as Asia/Kolkata");
        Tz::UTC
    })
}

#[cfg(test)]
mod tests;
