//! The heads of frames.

use serde::{Deserialize, Serialize};

use crate::script::call::{Language, ScriptKind};
use crate::script::error::{Position, ScriptError, ScriptFault};
use crate::script::outcome::ConsoleLine;

/// What a service asks; the body is named with each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Whether the source in the body is a script.
    Check { kind: ScriptKind },
    /// Make the source in the body ready.
    Load { script: String, language: Language },
    /// Run a script that was loaded, on the payload in the body.
    Run(RunHead),
    /// The answer to a lookup: with `found`, its value is the body.
    Answer { found: bool },
    /// No answer: the run is to end.
    NoAnswer,
}

/// A run's particulars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunHead {
    /// What it was loaded as.
    pub(crate) script: String,
    pub(crate) org: i64,
    pub(crate) event_type: String,
    pub(crate) tenant_id: i64,
    pub(crate) integration_id: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The worker has started and is confined.
    Ready,
    /// The source is a script; after `Load` it is ready to run.
    Fine,
    /// The script that is to run is not loaded.
    Missing,
    /// The script asks for a lookup and waits.
    Lookup { kind: String, value: String },
    /// The JSON text in the body was returned.
    Output(Ended),
    /// `null` was returned.
    Skipped(Ended),
    /// The expression's truth.
    Truth { holds: bool, ended: Ended },
    /// There is no result.
    Failed { failure: Failure, ended: Ended },
}

/// What comes with every end of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) console: Vec<ConsoleLine>,
    /// How long the run took, in microseconds.
    pub(crate) micros: u64,
    /// The engine had to stop the run at a limit, and its context went with it.
    pub(crate) stopped: bool,
    /// The worker holds too much memory and asks to be replaced.
    pub(crate) worn: bool,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) fault: ScriptFault,
    pub(crate) message: String,
    pub(crate) position: Option<Position>,
}

impl Failure {
    pub(crate) fn new(fault: ScriptFault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            position: None,
        }
    }

    pub(crate) fn into_error(self, console: Vec<ConsoleLine>) -> ScriptError {
        let Self {
            fault,
            message,
            position,
        } = self;
        ScriptError {
            fault,
            message,
            position,
            console,
            disabled_for: None,
        }
    }
}
