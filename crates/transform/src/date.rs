//! Rules that rewrite dates from one form into another.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use ig_core::date::{DateError, Forms};
use ig_core::fault::Faults;
use ig_core::integration::DateFormat;
use serde_json::Value;

use crate::error::Problem;

mod output;

use output::Output;

/// A compiled date rule.
#[derive(Debug, Clone)]
pub(crate) struct DateRule {
    /// The input forms as the tenant wrote them.
    input: Option<String>,
    forms: Forms,
    output: Output,
    zone: Tz,
}

impl DateRule {
    pub(crate) fn compile(format: &DateFormat) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let forms = format.input.as_deref().map_or_else(|| Ok(Forms::default()), Forms::compile);
        let output = Output::compile(format.output.as_deref());
        let rule = Self {
            input: format.input.clone(),
            forms: forms.map_err(|message| faults.add("/input", message)).unwrap_or_default(),
            output: output.map_err(|message| faults.add("/output", message)).unwrap_or_default(),
            zone: zone(format.timezone.as_deref(), &mut faults),
        };
        faults.into_result(rule)
    }

    /// Rewrites a date.
    pub(crate) fn rewrite(&self, value: &Value) -> Result<Value, Problem> {
        let read = self.forms.read(value).map_err(|reason| self.refusal(reason));
        let moment = read.map_err(Problem::Date)?.start(&self.zone);
        let moment = moment.ok_or_else(|| Problem::Date("the date is never shown by clocks in the timezone".to_owned()))?;
        self.output.write(moment, self.zone).map_err(Problem::Date)
    }

    /// What is wrong and what to configure, without quoting the value.
    fn refusal(&self, reason: DateError) -> String {
        match (reason, &self.input) {
            (DateError::DayOrMonth, _) => {
                format!("{reason}: set format.input to dayFirst, monthFirst or a pattern such as DD/MM/YYYY")
            }
            (DateError::TwoDigitYear, _) => format!("{reason}: set format.input to a pattern such as DD-MMM-YY"),
            (DateError::TwelveDigits, _) => format!("{reason}: set format.input to epochMillis or YYYYMMDDHHmm"),
            (DateError::FewDigits, _) => format!("{reason}: set format.input to a pattern or to epochSeconds"),
            (DateError::NotADate, Some(text)) => format!("the value is not a date of the form {text}"),
            (DateError::NotADate, None) => {
                "the value is neither an ISO 8601 date, nor one with its month's name, nor a number of seconds or milliseconds \
                 since 1970: set format.input"
                    .to_owned()
            }
        }
    }
}

/// The default output form.
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
