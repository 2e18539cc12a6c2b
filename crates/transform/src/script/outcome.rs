//! What a script gave.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOutcome {
    /// What it returned.
    pub value: ScriptValue,
    /// What it wrote to its console.
    pub console: Vec<ConsoleLine>,
    /// How long it ran in its worker, lookups included.
    pub duration: Duration,
}

/// What a script returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptValue {
    /// The JSON text of the new payload.
    Output(Bytes),
    /// `null`: this delivery is to be skipped.
    Skipped,
    /// Whether a condition holds.
    Bool(bool),
}

/// Which of `console`'s functions wrote a line.
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

/// A line that a script wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// Which function wrote it.
    pub level: ConsoleLevel,
    /// Its arguments, with spaces between.
    pub text: String,
}

impl ConsoleLevel {
    /// The function's name.
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
