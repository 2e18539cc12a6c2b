//! Why a payload could not be shaped.

use std::time::Duration;

use crate::error::MappingError;
use crate::script::{Position, ScriptError};

const MAPPING: &str = "MAPPING_ERROR";

/// Why a payload could not be shaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// The rules or the script fail on this payload; a retry would fail again.
    #[error(transparent)]
    Refused(Refusal),
    /// The script had to be stopped too often and is disabled for this long, so nothing is known about the payload.
    #[error("{0}")]
    Disabled(Refusal, Duration),
    /// The engine or the lookup tables are unavailable, so nothing is known about the payload.
    #[error("{0}")]
    Unavailable(String),
}

/// What a tenant reads about the failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}{}", suffix(self.position))]
pub struct Refusal {
    /// `MAPPING_ERROR`, or a script's code such as `SCRIPT_TIMEOUT`.
    pub code: &'static str,
    /// What happened, in a sentence.
    pub message: String,
    /// The position in the script, if it is known.
    pub position: Option<Position>,
}

fn suffix(position: Option<Position>) -> String {
    position.map_or_else(String::new, |Position { line, column }| {
        format!(" (line {line}, column {column})")
    })
}

impl From<MappingError> for TransformError {
    fn from(error: MappingError) -> Self {
        Self::Refused(Refusal {
            code: MAPPING,
            message: error.to_string(),
            position: None,
        })
    }
}

impl From<ScriptError> for TransformError {
    fn from(error: ScriptError) -> Self {
        if error.retryable() {
            return Self::Unavailable(error.message);
        }
        let disabled_for = error.disabled_for;
        let refusal = Refusal {
            code: error.code(),
            message: error.message,
            position: error.position,
        };
        match disabled_for {
            Some(left) => Self::Disabled(refusal, left),
            None => Self::Refused(refusal),
        }
    }
}
