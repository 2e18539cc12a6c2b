//! In which forms a rule reads dates.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Number, Value};

use super::Unread;
use super::pattern::Pattern;
use super::usual::{self, Order};

/// Between the forms of one rule.
const OR: &str = "||";

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138.
const FIRST_MILLISECONDS: f64 = 1e11;

/// The forms that a rule reads, and how its tenant wrote them.
#[derive(Debug, Clone)]
pub(super) struct Input {
    text: Option<String>,
    forms: Vec<Form>,
}

#[derive(Debug, Clone)]
enum Form {
    /// Whatever is usual, where the order of day and month is said.
    Usual(Order),
    EpochSeconds,
    EpochMillis,
    Pattern(Pattern),
}

impl Default for Input {
    fn default() -> Self {
        Self {
            text: None,
            forms: vec![Form::Usual(Order::Unsaid)],
        }
    }
}

impl Input {
    pub(super) fn compile(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text else { return Ok(Self::default()) };
        let forms: Result<_, String> = text.split(OR).map(|form| Form::compile(form.trim())).collect();
        Ok(Self {
            text: Some(text.to_owned()),
            forms: forms?,
        })
    }

    /// The moment that a value names, by the first form that it has.
    pub(super) fn read(&self, value: &Value, zone: Tz) -> Result<DateTime<Utc>, String> {
        let mut reason = Unread::NotADate;
        for form in &self.forms {
            match form.read(value, zone) {
                Ok(moment) => return Ok(moment),
                Err(Unread::NotADate) => {}
                Err(found) => reason = found,
            }
        }
        Err(self.refusal(reason))
    }

    /// What is wrong and what to configure; it quotes nothing of the value.
    fn refusal(&self, reason: Unread) -> String {
        match (reason, &self.text) {
            (Unread::DayOrMonth, _) => {
                "the date does not say whether its day or its month comes first: set format.input to dayFirst, monthFirst or a \
                 pattern such as DD/MM/YYYY"
                    .to_owned()
            }
            (Unread::TwoDigitYear, _) => {
                "the date's year has two digits: set format.input to a pattern such as DD-MMM-YY".to_owned()
            }
            (Unread::TwelveDigits, _) => {
                "twelve digits may be milliseconds or a date with a time: set format.input to epochMillis or YYYYMMDDHHmm"
                    .to_owned()
            }
            (Unread::NotADate, Some(text)) => format!("the value is not a date of the form {text}"),
            (Unread::NotADate, None) => {
                "the value is neither an ISO 8601 date, nor one with its month's name, nor a number of seconds or milliseconds \
                 since 1970: set format.input"
                    .to_owned()
            }
        }
    }
}

impl Form {
    fn compile(text: &str) -> Result<Self, String> {
        Ok(match text {
            "dayFirst" => Self::Usual(Order::DayFirst),
            "monthFirst" => Self::Usual(Order::MonthFirst),
            "epochSeconds" => Self::EpochSeconds,
            "epochMillis" => Self::EpochMillis,
            _ => Self::Pattern(Pattern::input(text)?),
        })
    }

    fn read(&self, value: &Value, zone: Tz) -> Result<DateTime<Utc>, Unread> {
        let moment = match (self, value) {
            (Self::Usual(order), Value::String(text)) => return usual::read(text, *order, zone),
            (Self::Usual(_), Value::Number(number)) => epoch(number),
            (Self::Pattern(pattern), Value::String(text)) => pattern.read(text, zone),
            (Self::Pattern(pattern), Value::Number(number)) => pattern.read(&number.to_string(), zone),
            (Self::EpochSeconds, value) => number(value).and_then(|number| millis(number * 1000.0)),
            (Self::EpochMillis, value) => number(value).and_then(millis),
            (_, Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        moment.ok_or(Unread::NotADate)
    }
}

/// Seconds or milliseconds since 1970, by their size.
pub(super) fn epoch(number: &Number) -> Option<DateTime<Utc>> {
    let value = number.as_f64()?;
    let seconds = value.abs() < FIRST_MILLISECONDS;
    millis(if seconds { value * 1000.0 } else { value })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn millis(value: f64) -> Option<DateTime<Utc>> {
    if !value.is_finite() {
        return None;
    }
    // A float beyond the range of i64 saturates, and chrono refuses what is beyond its own.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is checked by the next call")]
    DateTime::from_timestamp_millis(value.round() as i64)
}
