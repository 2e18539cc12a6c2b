//! Tests of single values.

use std::cmp::Ordering;

use ig_core::condition::FieldTest;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::compare::{equal, order};

/// The most memory that one regular expression may take, in bytes.
const MAX_REGEX_BYTES: usize = 256 * 1024;

/// A compiled test.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Eq(Value),
    Ne(Value),
    /// Passes on these orders of the value and the operand.
    Order(Value, &'static [Ordering]),
    In(Vec<Value>),
    Nin(Vec<Value>),
    /// Passes on any value; its opposite is not a test of a value.
    Exists,
    StartsWith(String),
    Contains(Value),
    Regex(Regex),
}

impl Test {
    pub(super) fn compile(test: &FieldTest) -> Result<Self, String> {
        use Ordering::{Equal, Greater, Less};
        Ok(match test {
            FieldTest::Eq(value) => Self::Eq(value.clone()),
            FieldTest::Ne(value) => Self::Ne(value.clone()),
            FieldTest::Gt(value) => Self::Order(value.clone(), &[Greater]),
            FieldTest::Gte(value) => Self::Order(value.clone(), &[Greater, Equal]),
            FieldTest::Lt(value) => Self::Order(value.clone(), &[Less]),
            FieldTest::Lte(value) => Self::Order(value.clone(), &[Less, Equal]),
            FieldTest::In(values) => Self::In(values.clone()),
            FieldTest::Nin(values) => Self::Nin(values.clone()),
            FieldTest::Exists(_) => Self::Exists,
            FieldTest::StartsWith(text) => Self::StartsWith(text.clone()),
            FieldTest::Contains(value) => Self::Contains(value.clone()),
            FieldTest::Regex(text) => Self::Regex(regex(text)?),
        })
    }

    pub(super) fn passes(&self, value: &Value) -> bool {
        match self {
            Self::Eq(other) => equal(value, other),
            Self::Ne(other) => !equal(value, other),
            Self::Order(other, orders) => order(value, other).is_some_and(|order| orders.contains(&order)),
            Self::In(others) => others.iter().any(|other| equal(value, other)),
            Self::Nin(others) => !others.iter().any(|other| equal(value, other)),
            Self::Exists => true,
            Self::StartsWith(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
            Self::Contains(part) => contains(value, part),
            Self::Regex(regex) => value.as_str().is_some_and(|text| regex.is_match(text)),
        }
    }
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::String(text), Value::String(part)) => text.contains(part),
        (Value::Array(items), part) => items.iter().any(|item| equal(item, part)),
        _ => false,
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(text);
    let built = builder.size_limit(MAX_REGEX_BYTES).dfa_size_limit(MAX_REGEX_BYTES).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "must be smaller: it would take more than 256 KiB once compiled".to_owned(),
        error => format!("must be a regular expression in RE2's syntax: {}", reason(&error)),
    })
}

/// The last line of the error; those before it draw an arrow into the expression.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
