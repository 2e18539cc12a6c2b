//! Section `runtime`: calls to outside APIs.

use ig_service::Validate;
use ig_service::config::ConfigFaults;
use serde::{Deserialize, Serialize};

/// Section `runtime`: calls to outside APIs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// The most calls in flight, over all integrations; further ones are refused. An organisation gets at most as many as are still free.
    pub max_calls: usize,
    /// The most bytes of buffered call bodies.
    pub body_memory_bytes: usize,
    /// The most calls whose logs wait to be written; beyond that, each integration's `logging` decides.
    pub max_unrecorded: usize,
    /// How many days logs of calls are kept, unless their organisation says otherwise.
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
