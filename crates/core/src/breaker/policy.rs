//! What a tenant may say about a breaker.

use std::time::Duration;

use crate::fault::Faults;

const LONGEST_WAIT: u64 = 7 * 86_400;

/// Whether an open breaker looks by itself whether the target has recovered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BreakerPolicy {
    probe_after: Option<Duration>,
}

impl BreakerPolicy {
    /// A probe so many seconds after the opening and after each probe that failed, from 1 to 604,800; without, a person has to enable it.
    /// A fault is found at `/probeAfterSeconds`.
    pub fn new(probe_after_seconds: Option<u64>) -> Result<Self, Faults> {
        if probe_after_seconds.is_some_and(|seconds| !(1..=LONGEST_WAIT).contains(&seconds)) {
            return Err(Faults::one("/probeAfterSeconds", "must be from 1 to 604800"));
        }
        Ok(Self {
            probe_after: probe_after_seconds.map(Duration::from_secs),
        })
    }

    /// How long it waits before it looks, if it does.
    pub fn probe_after(&self) -> Option<Duration> {
        self.probe_after
    }
}
