//! The results of scripts.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOutcome {
    /// What the script returned.
    pub value: ScriptValue,
    /// What the script wrote to its console.
    pub console: Vec<ConsoleLine>,
    /// How long the run took in its worker, lookups included.
    pub duration: Duration,
}

/// What a script returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptValue {
    /// The JSON text of the new payload.
    Output(Bytes),
    /// `null`: the delivery is skipped.
    Skipped,
    /// Whether a condition holds.
    Bool(bool),
}

/// The function of `console` that wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleLevel {
    /// `console.debug`
    Debug,
    /// `console.log`
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

/// A line that a script wrote to its console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// The function that wrote it.
    pub level: ConsoleLevel,
    /// The arguments, joined with spaces.
    pub text: String,
}

impl ConsoleLevel {
    /// The name of the function.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Log => "log",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}
