//! Scripts that tenants write.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Faults;

/// The most that a script may take, in bytes of UTF-8.
pub const LONGEST_SCRIPT: usize = 64 * 1024;
/// How long a script may run where nothing is configured.
pub const DEFAULT_SCRIPT_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a script may run at the most.
pub const LONGEST_SCRIPT_TIMEOUT: Duration = Duration::from_secs(2);

/// A script as its tenant wrote it; whether it compiles is found out by the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Script(Arc<str>);

impl Script {
    /// A script of at most 64 KiB with something in it.
    pub fn new(source: &str) -> Result<Self, Faults> {
        if source.trim().is_empty() {
            return Err(Faults::one("", "must not be empty"));
        }
        if source.len() > LONGEST_SCRIPT {
            return Err(Faults::one("", format!("must be at most {LONGEST_SCRIPT} bytes")));
        }
        Ok(Self(source.into()))
    }

    /// The text.
    pub fn source(&self) -> &Arc<str> {
        &self.0
    }
}
