//! Section `[sources.push]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::FaultCollector;

/// Section `[sources.push]`: events that clients push through the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// The longest pause between two polls, in milliseconds; a nudge ends it at once.
    pub poll_interval_ms: u64,
    /// How long to wait for a position that was allocated, in seconds.
    pub hole_watch_seconds: u64,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            poll_interval_ms: 100,
            hole_watch_seconds: 60,
        }
    }
}

impl PushConfig {
    /// The longest pause between two polls.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// How long to wait for a position that was allocated.
    pub fn gap_watch(&self) -> Duration {
        Duration::from_secs(self.hole_watch_seconds)
    }

    pub(super) fn check(&self, faults: &mut FaultCollector) {
        faults.check_range("poll_interval_ms", self.poll_interval_ms, 1..=60_000);
        faults.check_range("hole_watch_seconds", self.hole_watch_seconds, 1..=3_600);
    }
}
