//! Why a payload did not get its shape.

use std::time::Duration;

use crate::error::MappingError;
use crate::script::{Position, ScriptError};

const MAPPING: &str = "MAPPING_ERROR";

/// A payload did not get its shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// The rules or the script do not work on this payload; trying again would fail again.
    #[error(transparent)]
    Refused(Refusal),
    /// The script had to be stopped too often, and is not run for so long: nothing was found out about the payload.
    #[error("{0}")]
    Disabled(Refusal, Duration),
    /// The engine or the lookup tables are away: nothing was found out about the payload.
    #[error("{0}")]
    Unavailable(String),
}

/// What a tenant reads of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}{}", place(self.position))]
pub struct Refusal {
    /// `MAPPING_ERROR`, or a script's code such as `SCRIPT_TIMEOUT`.
    pub code: &'static str,
    /// What happened, in a sentence.
    pub message: String,
    /// Where in the script, if that is known.
    pub position: Option<Position>,
}

fn place(position: Option<Position>) -> String {
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
