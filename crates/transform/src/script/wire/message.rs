//! The heads of frames.

use serde::{Deserialize, Serialize};

use crate::script::call::{Language, ScriptKind};
use crate::script::error::{Position, ScriptError, ScriptFault};
use crate::script::outcome::ConsoleLine;

/// A request of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Check that the source in the body is a script.
    Check { kind: ScriptKind },
    /// Load the source in the body.
    Load { script: String, language: Language },
    /// Run a loaded script on the payload in the body.
    Run(RunHead),
    /// The result of a lookup: with `found`, the body is its value.
    LookupResult { found: bool },
    /// The lookup failed: the run is to end.
    LookupFailed,
}

/// The head of a request to run a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunHead {
    /// The key that it was loaded under.
    pub(crate) script: String,
    pub(crate) org: i64,
    pub(crate) event_type: String,
    pub(crate) tenant_id: i64,
    pub(crate) integration_id: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// A response of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Response {
    /// The worker has started and is confined.
    Ready,
    /// The source is a script; after `Load` it is loaded.
    Compiled,
    /// The script that is to run is not loaded.
    NotLoaded,
    /// The script waits for a lookup.
    Lookup { kind: String, value: String },
    /// The script returned the JSON text in the body.
    Output(RunReport),
    /// The script returned `null`.
    Skipped(RunReport),
    /// The truth of an expression.
    Truth { holds: bool, report: RunReport },
    /// There is no result.
    Failed { failure: Failure, report: RunReport },
}

/// What every ended run reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunReport {
    pub(crate) console: Vec<ConsoleLine>,
    /// How long the run took, in microseconds.
    pub(crate) micros: u64,
    /// The engine stopped the run at a limit, and its context is gone.
    pub(crate) stopped: bool,
    /// The worker holds too much memory and is to be replaced.
    pub(crate) recycle: bool,
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
