//! Why a script gave no result.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outcome::ConsoleLine;

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptFault {
    /// The source is not a script.
    Syntax,
    /// The script threw, or returned what cannot be sent.
    Error,
    /// It did not end before its deadline.
    Timeout,
    /// It needed more memory or native stack than a worker has.
    Memory,
    /// It went beyond another limit: source, input, output, depth, recursion, turns of a loop, lookups.
    Limit,
    /// It had to be stopped so often that it is not run for a while.
    Disabled,
    /// The script may be right: no worker was free in time, its worker was lost, or a lookup could not be answered. Trying again may succeed.
    Unavailable,
}

impl ScriptFault {
    /// Its code, as tenants read it.
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

/// A place in the tenant's source; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A script that gave no result, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", fault.code())]
pub struct ScriptError {
    /// What kind of failure it was.
    pub fault: ScriptFault,
    /// What happened, in a sentence for the tenant. It may hold what the script itself put into an error.
    pub message: String,
    /// Where in the source, if that is known.
    pub position: Option<Position>,
    /// What the script wrote to its console before; nothing when its worker had to be killed.
    pub console: Vec<ConsoleLine>,
    /// For how long it is not run, where it is disabled.
    pub disabled_for: Option<Duration>,
}

impl ScriptError {
    /// A failure without a place and without console output.
    pub fn new(fault: ScriptFault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
            position: None,
            console: Vec::new(),
            disabled_for: None,
        }
    }

    /// Its code, as tenants read it.
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
