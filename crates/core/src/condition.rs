//! Conditions: whether an event is for an integration, or for one of its actions.

use serde_json::Value;

use crate::fault::Faults;
use crate::integration::Script;

mod read;
mod write;

/// How many `and`, `or` and `not` may lie inside each other.
pub const DEEPEST_FILTER: usize = 20;
/// How many tests, `and`, `or` and `not` a filter may have in all.
pub const LARGEST_FILTER: usize = 200;

/// Decides from a payload whether something is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A script expression; what it yields counts as JavaScript's truth.
    Script(Script),
    /// A declarative filter.
    Filter(Filter),
}

/// A declarative filter over a payload.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them match; an empty list matches.
    And(Vec<Filter>),
    /// One of them matches at least; an empty list does not match.
    Or(Vec<Filter>),
    /// The inner one does not match.
    Not(Box<Filter>),
    /// What is at a dotted path passes a test. A missing field passes none but `exists: false`.
    Field {
        /// The path; `[]` means that one element at least passes.
        path: String,
        /// The test.
        test: FieldTest,
    },
}

/// A test of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldTest {
    /// Equal, as JSON values are; numbers by their value.
    Eq(Value),
    /// Not equal.
    Ne(Value),
    /// Greater: numbers by value, texts by code points; other kinds do not compare.
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
    /// Whether it is there; null is there.
    Exists(bool),
    /// A text that begins so.
    StartsWith(String),
    /// A text with this within it, or an array with this element.
    Contains(Value),
    /// A text in which this regular expression (RE2 syntax, linear time) finds something.
    Regex(String),
}

impl Filter {
    /// Reads a filter as it is written in JSON; every fault is told by its place.
    ///
    /// `{"field": "patient.age", "gte": 18, "lt": 65}` is a test of one field, or several that all have to pass; `{"and": […]}`,
    /// `{"or": […]}` and `{"not": {…}}` join them. A filter nests at most 20 levels and has at most 200 parts.
    pub fn from_json(value: &Value) -> Result<Self, Faults> {
        read::filter(value)
    }

    /// The filter in JSON, as [`Filter::from_json`] reads it.
    pub fn to_json(&self) -> Value {
        write::filter(self)
    }

    /// The path, where these are different tests of one field: JSON writes them as one object.
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
