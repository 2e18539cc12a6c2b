//! Errors of rules.

use ig_core::id::LookupType;
use ig_core::integration::MAX_DEPTH;

/// A rule that failed on a payload; a retry would fail again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} ({path}): {problem}")]
pub struct MappingError {
    /// JSON pointer to the rule, such as `/fieldMappings/0`.
    pub rule: String,
    /// The path at which it failed, as the rule writes it.
    pub path: String,
    /// What happened.
    pub problem: Problem,
}

/// Why a rule failed, in a sentence that tenants may read. Only those of lookups quote the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The value is not a date of a form that the rule reads.
    #[error("{0}")]
    Date(String),
    /// An earlier rule wrote a value that has no fields or elements to write to.
    #[error("the output holds {found} where the path needs {needed}")]
    InTheWay {
        /// The type of the existing value.
        found: &'static str,
        /// The type that the path needs.
        needed: &'static str,
    },
    /// Input or output nests too deep.
    #[error("the output would nest deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The output exceeds the limit on its size.
    #[error("the output would be larger than {} MiB", MAX_OUTPUT >> 20)]
    TooLarge,
    /// No active row maps a value, and the rule requires one.
    #[error("no active row of the lookup {lookup_type} maps {value}")]
    Unmapped {
        /// The table.
        lookup_type: LookupType,
        /// The value as JSON, cut short where it is long.
        value: String,
    },
    /// A row maps the value, but lacks the field that the rule reads.
    #[error("the row of the lookup {lookup_type} that maps {value} has no target field {field}")]
    NoField {
        /// The table.
        lookup_type: LookupType,
        /// The value as JSON, cut short where it is long.
        value: String,
        /// The field.
        field: String,
    },
}

/// The most that rules may write for one payload, in bytes of memory.
pub(crate) const MAX_OUTPUT: usize = 64 << 20;
