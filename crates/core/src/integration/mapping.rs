//! Transformations by rules alone.

use std::time::Duration;

use serde_json::Value;

use super::Script;
use crate::id::LookupType;

/// How a payload is transformed before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Transformation {
    /// By field mappings.
    Simple(SimpleMapping),
    /// By a script: a function body that receives the payload and returns what is sent.
    Script(Script),
}

/// Field mappings and static fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SimpleMapping {
    /// Start with a copy of the payload rather than with nothing.
    pub passthrough: bool,
    /// The fields to copy, in this order.
    pub fields: Vec<FieldMapping>,
    /// The static fields, written after the mapped ones.
    pub statics: Vec<StaticField>,
}

/// One rule: take the value at one path, transform it, and write it to another.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMapping {
    /// Dotted path into the payload; numbers index arrays, `[]` means every element.
    pub source: String,
    /// Dotted path into the output.
    pub target: String,
    /// The transform of the value.
    pub transform: Option<Transform>,
    /// The value to write where the source is missing.
    pub default: Option<Value>,
}

/// A transform of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// Trim white space at both ends of a text.
    Trim,
    /// Write a text in upper case.
    Upper,
    /// Write a text in lower case.
    Lower,
    /// Rewrite a date.
    Date(DateFormat),
    /// Write the rule's default where the value is missing, null or an empty text.
    Default,
    /// Write the value that a lookup table maps to; without a matching row, the rule's default or else the value itself.
    Lookup(LookupType),
}

/// How a date is parsed and formatted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateFormat {
    /// The accepted input forms, separated by `||`: a pattern such as `DD/MM/YYYY hh:mm A` or strftime's, `dayFirst`,
    /// `monthFirst`, `epochSeconds` or `epochMillis`; `None` accepts unambiguous forms.
    pub input: Option<String>,
    /// The output form: a pattern, `epochSeconds` or `epochMillis`; `None` writes ISO 8601 in UTC.
    pub output: Option<String>,
    /// The IANA timezone of inputs without one, and of the output.
    pub timezone: Option<String>,
}

/// A field with a fixed value.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticField {
    /// Dotted path into the output.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// The deepest nesting of an input or output.
pub const MAX_DEPTH: usize = 50;

impl SimpleMapping {
    /// The transformation that sends the payload unchanged.
    pub fn identity() -> Self {
        Self {
            passthrough: true,
            ..Self::default()
        }
    }

    /// Whether the output equals the payload byte for byte.
    pub fn is_identity(&self) -> bool {
        self.passthrough && self.fields.is_empty() && self.statics.is_empty()
    }
}

/// The default time limit of one request.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
