//! Why a script gave no result.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outcome::ConsoleLine;

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptFault {
    /// The source is not a script.
    Syntax,
    /// The script threw, or returned what cannot be sent.
    Error,
    /// The script did not end before its deadline.
    Timeout,
    /// The script needed more memory or native stack than a worker has.
    Memory,
    /// The script exceeded another limit: source, input, output, depth, recursion, loop iterations, lookups.
    Limit,
    /// The script had to be stopped so often that it does not run for a while.
    Disabled,
    /// The platform failed: no worker was free in time, the worker was lost, or a lookup failed. A retry may succeed.
    Unavailable,
}

impl ScriptFault {
    /// The code that tenants read.
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "SCRIPT_SYNTAX",
            Self::Error => "SCRIPT_ERROR",
            Self::Timeout => "SCRIPT_TIMEOUT",
            Self::Memory => "SCRIPT_MEMORY",
            Self::Limit => "SCRIPT_LIMIT",
            Self::Disabled => "SCRIPT_DISABLED",
            Self::Unavailable => "SCRIPT_UNAVAILABLE",
        }
    }

    /// Whether the same run may succeed later.
    pub fn retryable(self) -> bool {
        match self {
            Self::Unavailable => true,
            Self::Syntax | Self::Error | Self::Timeout | Self::Memory | Self::Limit | Self::Disabled => false,
        }
    }
}

/// A position in the tenant's source; both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// Why a script gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", fault.code())]
pub struct ScriptError {
    /// The kind of failure.
    pub fault: ScriptFault,
    /// What happened, in a sentence for the tenant. It may quote an error of the script.
    pub message: String,
    /// The position in the source, if it is known.
    pub position: Option<Position>,
    /// What the script wrote to its console; empty when its worker had to be killed.
    pub console: Vec<ConsoleLine>,
    /// How much longer a disabled script does not run.
    pub disabled_for: Option<Duration>,
}

impl ScriptError {
    /// A failure without position and console output.
    pub fn new(fault: ScriptFault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            position: None,
            console: Vec::new(),
            disabled_for: None,
        }
    }

    /// The code that tenants read.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// Whether the same run may succeed later.
    pub fn retryable(&self) -> bool {
        self.fault.retryable()
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ScriptFault::Unavailable, message)
    }
}
