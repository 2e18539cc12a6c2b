//! Section `runtime`: calls that go through to outside APIs.

use ig_service::Validate;
use ig_service::config::ConfigFaults;
use serde::{Deserialize, Serialize};

/// Section `runtime`: calls that go through to outside APIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// The most calls that are under way at once, of all integrations together; further ones are refused. An organisation has at most as
    /// many as are free.
    pub max_calls: usize,
    /// The most bytes of calls' bodies that are held at once because something has to see them whole.
    pub body_memory_bytes: usize,
    /// The most calls whose logs wait to be written; what happens then is for each integration's `logging` to say.
    pub max_unrecorded: usize,
    /// Days that logs of calls are kept where their organisation does not say.
    pub retention_days: u32,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            max_calls: 2_000,
            body_memory_bytes: 256 * 1024 * 1024,
            max_unrecorded: 5_000,
            retention_days: 90,
        }
    }
}

impl Validate for RuntimeConfig {
    fn validate(&self, faults: &mut ConfigFaults) {
        let counts = [
            ("max_calls", self.max_calls),
            ("body_memory_bytes", self.body_memory_bytes),
            ("max_unrecorded", self.max_unrecorded),
            ("retention_days", self.retention_days as usize),
        ];
        for (key, _) in counts.into_iter().filter(|(_, count)| *count == 0) {
            faults.add(key, "is 0", "give at least 1");
        }
    }
}
