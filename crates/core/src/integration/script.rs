//! Scripts written by tenants.

use std::sync::Arc;
use std::time::Duration;

use crate::fault::Faults;

/// The longest script, in bytes of UTF-8.
pub const MAX_SCRIPT_BYTES: usize = 64 * 1024;
/// The default time limit of a script.
pub const DEFAULT_SCRIPT_TIMEOUT: Duration = Duration::from_millis(250);
/// The longest time limit of a script.
pub const MAX_SCRIPT_TIMEOUT: Duration = Duration::from_secs(2);

/// A script as its tenant wrote it; only the engine finds out whether it compiles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Script(Arc<str>);

impl Script {
    /// A non-empty script of at most 64 KiB.
    pub fn new(source: &str) -> Result<Self, Faults> {
        if source.trim().is_empty() {
            return Err(Faults::single("", "must not be empty"));
        }
        if source.len() > MAX_SCRIPT_BYTES {
            return Err(Faults::single("", format!("must be at most {MAX_SCRIPT_BYTES} bytes")));
        }
        Ok(Self(source.into()))
    }

    /// The source text.
    pub fn source(&self) -> &Arc<str> {
        &self.0
    }
}
