//! Conditions: whether an event is for an integration, or for one of its actions.

use serde_json::Value;

use crate::integration::Script;

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
