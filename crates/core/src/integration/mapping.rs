//! How a payload changes shape by rules alone.

use std::time::Duration;

use serde_json::Value;

use super::Script;
use crate::id::LookupType;

/// How the payload becomes what is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Transformation {
    /// By field mappings.
    Simple(SimpleMapping),
    /// By a script: a function body that is given the payload and returns what is sent.
    Script(Script),
}

/// Field mappings and static fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SimpleMapping {
    /// Begin with a copy of the payload rather than with nothing.
    pub passthrough: bool,
    /// What is copied, in this order.
    pub fields: Vec<FieldMapping>,
    /// What is always written, after the fields.
    pub statics: Vec<StaticField>,
}

/// One rule: take what is at one path, change it, put it at another.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMapping {
    /// Dotted path into the payload; numbers index arrays, `[]` means every element.
    pub source: String,
    /// Dotted path into the output.
    pub target: String,
    /// What is done to the value.
    pub transform: Option<Transform>,
    /// What is written where the source is missing.
    pub default: Option<Value>,
}

/// What is done to a value on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// Take white space off both ends of a text.
    Trim,
    /// Write a text in upper case.
    Upper,
    /// Write a text in lower case.
    Lower,
    /// Rewrite a date.
    Date(DateFormat),
    /// Write the rule's default where the value is missing, null or an empty text.
    Default,
    /// Write what a lookup table maps the value to; the rule's default, or else the value itself, where no row does.
    Lookup(LookupType),
}

/// How a date is read and written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateFormat {
    /// The forms of the input, `||` between several: a pattern such as `DD/MM/YYYY hh:mm A` or strftime's, `dayFirst`, `monthFirst`,
    /// `epochSeconds` or `epochMillis`; forms that cannot mean two things where absent.
    pub input: Option<String>,
    /// The form of the output: a pattern, `epochSeconds` or `epochMillis`; ISO 8601 in UTC where absent.
    pub output: Option<String>,
    /// IANA timezone of dates that name none, and of the output.
    pub timezone: Option<String>,
}

/// A value that is always written.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticField {
    /// Dotted path into the output.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// How deep an input or an output may nest.
pub const MAX_DEPTH: usize = 50;

impl SimpleMapping {
    /// Sends the payload as it is.
    pub fn identity() -> Self {
        Self {
            passthrough: true,
            ..Self::default()
        }
    }

    /// Whether the output is the payload, to the byte.
    pub fn is_identity(&self) -> bool {
        self.passthrough && self.fields.is_empty() && self.statics.is_empty()
    }
}

/// What one request may take in all when nothing is configured.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
