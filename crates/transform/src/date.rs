//! Dates: read in one form, written in another.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use chrono_tz::Tz;
use ig_core::fault::Faults;
use ig_core::integration::DateFormat;
use serde_json::Value;

mod local;
mod pattern;
mod read;

use pattern::Pattern;

/// A date rule, ready to be applied.
#[derive(Debug, Clone)]
pub(crate) struct DateRule {
    input: Option<Pattern>,
    output: Option<Pattern>,
    zone: Tz,
}

impl DateRule {
    pub(crate) fn compile(format: &DateFormat) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let rule = Self {
            input: compiled(format.input.as_deref(), "/input", &mut faults),
            output: compiled(format.output.as_deref(), "/output", &mut faults),
            zone: zone(format.timezone.as_deref(), &mut faults),
        };
        faults.into_result(rule)
    }

    /// The date as the rule writes it.
    pub(crate) fn rewrite(&self, value: &Value) -> Result<String, String> {
        let moment = match (&self.input, value) {
            (Some(pattern), Value::String(text)) => pattern.read(text, self.zone),
            (Some(pattern), Value::Number(number)) => pattern.read(&number.to_string(), self.zone),
            (None, Value::String(text)) => read::text(text, self.zone),
            (None, Value::Number(number)) => read::number(number),
            (_, Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        let moment = moment.ok_or_else(|| self.refusal())?;
        if !(1..=9999).contains(&moment.year()) {
            return Err("the date is outside of the years 1 to 9999".to_owned());
        }
        self.write(moment)
    }

    fn write(&self, moment: DateTime<Utc>) -> Result<String, String> {
        match &self.output {
            Some(pattern) => pattern.write(moment.with_timezone(&self.zone)),
            None => Ok(moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }

    fn refusal(&self) -> String {
        match &self.input {
            Some(pattern) => format!("the value is not a date of the form {}", pattern.text()),
            None => "the value is neither an ISO 8601 date nor a number of seconds or milliseconds since 1970".to_owned(),
        }
    }
}

fn compiled(pattern: Option<&str>, pointer: &str, faults: &mut Faults) -> Option<Pattern> {
    let compiled = Pattern::compile(pattern?);
    compiled.map_err(|message| faults.add(pointer, message)).ok()
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
