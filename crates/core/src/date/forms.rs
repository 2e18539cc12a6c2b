//! The forms in which dates are read.

use serde_json::Value;

use super::pattern::Pattern;
use super::usual::{self, DayMonthOrder};
use super::{DateError, Moment, number};

/// Separates the forms of one rule.
const SEPARATOR: &str = "||";

/// The accepted forms; the first that fits wins. Without any, every unambiguous form is accepted.
#[derive(Debug, Clone)]
pub struct Forms(Vec<Form>);

#[derive(Debug, Clone)]
enum Form {
    /// The usual forms, with the given order of day and month.
    Usual(DayMonthOrder),
    EpochSeconds,
    EpochMillis,
    Pattern(Pattern),
}

impl Default for Forms {
    fn default() -> Self {
        Self(vec![Form::Usual(DayMonthOrder::Unknown)])
    }
}

impl Forms {
    /// Compiles names and patterns separated by `||`; the error names what is not a form.
    pub fn compile(text: &str) -> Result<Self, String> {
        let forms: Result<_, String> = text.split(SEPARATOR).map(|form| Form::compile(form.trim())).collect();
        forms.map(Self)
    }

    /// Reads a value as a moment.
    pub fn read(&self, value: &Value) -> Result<Moment, DateError> {
        self.first_fit(|form| match value {
            Value::String(text) => form.read_text(text.trim()),
            Value::Number(number) => form.read_number(number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(DateError::NotADate),
        })
    }

    /// Reads a text as a moment.
    pub fn read_text(&self, text: &str) -> Result<Moment, DateError> {
        self.first_fit(|form| form.read_text(text.trim()))
    }

    /// The result of the first form that fits, or else the most telling reason.
    fn first_fit(&self, read: impl Fn(&Form) -> Result<Moment, DateError>) -> Result<Moment, DateError> {
        let mut reason = DateError::NotADate;
        for form in &self.0 {
            match read(form) {
                Ok(moment) if (1..=9999).contains(&moment.year()) => return Ok(moment),
                Ok(_) | Err(DateError::NotADate) => {}
                Err(found) => reason = found,
            }
        }
        Err(reason)
    }
}

impl Form {
    fn compile(text: &str) -> Result<Self, String> {
        Ok(match text {
            "dayFirst" | "DMY" => Self::Usual(DayMonthOrder::DayFirst),
            "monthFirst" | "MDY" => Self::Usual(DayMonthOrder::MonthFirst),
            "YMD" => Self::Usual(DayMonthOrder::Unknown),
            "epochSeconds" => Self::EpochSeconds,
            "epochMillis" => Self::EpochMillis,
            _ => Self::Pattern(Pattern::input(text)?),
        })
    }

    fn read_text(&self, text: &str) -> Result<Moment, DateError> {
        match self {
            Self::Usual(order) => number::of_text(text).unwrap_or_else(|| usual::read(text, *order)),
            Self::Pattern(pattern) => pattern.read(text).ok_or(DateError::NotADate),
            Self::EpochSeconds | Self::EpochMillis => self.read_epoch(number::value(text)),
        }
    }

    fn read_number(&self, number: &serde_json::Number) -> Result<Moment, DateError> {
        match self {
            Self::Usual(_) => number::read(number),
            Self::Pattern(pattern) => pattern.read(&number::digits(number)).ok_or(DateError::NotADate),
            Self::EpochSeconds | Self::EpochMillis => self.read_epoch(number.as_f64()),
        }
    }

    fn read_epoch(&self, value: Option<f64>) -> Result<Moment, DateError> {
        let unit = if matches!(self, Self::EpochSeconds) { 1000.0 } else { 1.0 };
        value
            .and_then(|value| number::millis(value * unit))
            .ok_or(DateError::NotADate)
    }
}
