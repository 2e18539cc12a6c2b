//! Scripts that tenants write.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Faults;

/// The most characters that a script may have, in bytes of UTF-8.
pub const LONGEST_SCRIPT: usize = 64 * 1024;
/// How long a script may run where nothing is configured.
pub const DEFAULT_SCRIPT_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a script may run at the most.
pub const LONGEST_SCRIPT_TIMEOUT: Duration = Duration::from_secs(2);

/// A script as its tenant wrote it; whether it compiles is found out by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    source: Arc<str>,
    timeout: Duration,
}

impl Script {
    /// A script of at most 64 KiB that may run for 1 ms to 2 s; faults are found at `/timeoutMs` or at the source itself.
    pub fn new(source: &str, timeout: Duration) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if source.trim().is_empty() {
            faults.add("", "must not be empty");
        }
        if source.len() > LONGEST_SCRIPT {
            faults.add("", format!("must be at most {LONGEST_SCRIPT} bytes"));
        }
        if timeout < Duration::from_millis(1) || timeout > LONGEST_SCRIPT_TIMEOUT {
            faults.add("/timeoutMs", "must be from 1 to 2000");
        }
        faults.into_result(Self {
            source: source.into(),
            timeout,
        })
    }

    /// The text.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// How long it may run.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}
