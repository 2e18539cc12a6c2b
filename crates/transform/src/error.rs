//! Why a payload could not be given its shape.

use ig_core::id::LookupType;
use ig_core::integration::MAX_DEPTH;

/// A rule that could not be applied to a payload; applying it again would fail again.
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

/// What happened to a rule, in a sentence a tenant may read. None but those of lookups quotes the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The value is no date of the form that the rule reads.
    #[error("{0}")]
    Date(String),
    /// An earlier rule wrote something below which nothing can be written.
    #[error("the output holds {found} where the path needs {needed}")]
    InTheWay {
        /// What is there.
        found: &'static str,
        /// What would have to be there.
        needed: &'static str,
    },
    /// Input or output nests too deep.
    #[error("the output would nest deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The rules multiply the payload beyond all measure.
    #[error("the output would be larger than {} MiB", MAX_OUTPUT >> 20)]
    TooLarge,
    /// No active row maps a value, and the rule does without none.
    #[error("no active row of the lookup {lookup_type} maps {value}")]
    Unmapped {
        /// The table.
        lookup_type: LookupType,
        /// The value as JSON, cut short where it is long.
        value: String,
    },
    /// A row maps the value, but has nothing in the field that the rule wants.
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
