//! Conditions: whether an integration, or one of its actions, wants an event.

use serde_json::Value;

use crate::fault::Faults;
use crate::integration::Script;

mod read;
mod write;

/// How deep `and`, `or` and `not` may nest.
pub const MAX_FILTER_DEPTH: usize = 20;
/// How many tests, `and`, `or` and `not` a filter may have in total.
pub const MAX_FILTER_NODES: usize = 200;

/// Decides from a payload whether to act.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A script expression; its result is coerced to a boolean as JavaScript does.
    Script(Script),
    /// A declarative filter.
    Filter(Filter),
}

/// A declarative filter over a payload.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them match; an empty list matches.
    And(Vec<Filter>),
    /// At least one of them matches; an empty list does not match.
    Or(Vec<Filter>),
    /// The inner filter does not match.
    Not(Box<Filter>),
    /// The value at a dotted path passes a test. A missing field passes no test but `exists: false`.
    Field {
        /// The path; with `[]`, at least one element has to pass.
        path: String,
        /// The test.
        test: FieldTest,
    },
}

/// A test of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldTest {
    /// Equal as JSON values; numbers compare by value.
    Eq(Value),
    /// Not equal.
    Ne(Value),
    /// Greater: numbers compare by value, texts by code point; other kinds do not compare.
    Gt(Value),
    /// Greater or equal.
    Gte(Value),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Lte(Value),
    /// Equal to one of these.
    In(Vec<Value>),
    /// Equal to none of these.
    Nin(Vec<Value>),
    /// Whether the field exists; null exists.
    Exists(bool),
    /// A text with this prefix.
    StartsWith(String),
    /// A text that contains this, or an array with this element.
    Contains(Value),
    /// A text that this regular expression (RE2 syntax, linear time) matches anywhere.
    Regex(String),
}

impl Filter {
    /// Reads a filter from its JSON form and reports every fault by its place.
    ///
    /// `{"field": "patient.age", "gte": 18, "lt": 65}` is one or several tests of a field, all of which have to pass; `{"and":
    /// […]}`, `{"or": […]}` and `{"not": {…}}` combine filters. A filter nests at most 20 levels and has at most 200 parts.
    pub fn from_json(value: &Value) -> Result<Self, Faults> {
        read::filter(value)
    }

    /// The filter in JSON, as [`Filter::from_json`] reads it.
    pub fn to_json(&self) -> Value {
        write::filter(self)
    }

    /// The common path, where these are different tests of one field: JSON writes them as one object.
    pub fn one_field(filters: &[Self]) -> Option<&str> {
        write::one_field(filters)
    }
}

impl FieldTest {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Eq(_) => "eq",
            Self::Ne(_) => "ne",
            Self::Gt(_) => "gt",
            Self::Gte(_) => "gte",
            Self::Lt(_) => "lt",
            Self::Lte(_) => "lte",
            Self::In(_) => "in",
            Self::Nin(_) => "nin",
            Self::Exists(_) => "exists",
            Self::StartsWith(_) => "startsWith",
            Self::Contains(_) => "contains",
            Self::Regex(_) => "regex",
        }
    }
}

#[cfg(test)]
mod tests;
