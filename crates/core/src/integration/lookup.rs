//! The lookups that an integration makes for every payload.

use serde_json::Value;

use crate::id::LookupType;

/// Looks up a value of the payload and writes its mapped value to the output.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupRule {
    /// The table to look in.
    pub lookup_type: LookupType,
    /// The value to look up.
    pub source: LookupSource,
    /// Dotted path into the output; `[]` pairs with the source's.
    pub target_field: String,
    /// The part of a row that is written.
    pub returns: LookupReturn,
    /// What to do with an unmapped value.
    pub unmapped: Unmapped,
}

/// Where the value to look up comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupSource {
    /// A dotted path into the payload; `[]` means every element.
    Field(String),
    /// A text with `{{path}}` in it, such as `{{site.code}}-{{ward}}`.
    Template(String),
}

/// The part of a row that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupReturn {
    /// One field of the row's target, `id` unless another is named.
    Value {
        /// The field's name.
        field: String,
    },
    /// The whole target, as an object.
    Object,
}

/// What to do with a value that no row maps.
#[derive(Debug, Clone, PartialEq)]
pub enum Unmapped {
    /// Write the value as it is.
    Passthrough,
    /// Send nothing: the delivery fails with category TRANSFORMATION.
    Fail,
    /// Write this value instead.
    Default(Value),
}
