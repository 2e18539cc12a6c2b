//! The breaker settings of a tenant.

use std::time::Duration;

use crate::fault::Faults;

const MAX_PROBE_AFTER_SECONDS: u64 = 7 * 86_400;

/// Whether an open breaker probes its target by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BreakerPolicy {
    probe_after: Option<Duration>,
}

impl BreakerPolicy {
    /// Probes so many seconds after the opening and after each failed probe, from 1 to 604,800; with `None`, a person has to
    /// enable the integration. The fault points at `/probeAfterSeconds`.
    pub fn new(probe_after_seconds: Option<u64>) -> Result<Self, Faults> {
        if probe_after_seconds.is_some_and(|seconds| !(1..=MAX_PROBE_AFTER_SECONDS).contains(&seconds)) {
            return Err(Faults::single("/probeAfterSeconds", "must be from 1 to 604800"));
        }
        Ok(Self {
            probe_after: probe_after_seconds.map(Duration::from_secs),
        })
    }

    /// How long an open breaker waits before a probe, if it probes.
    pub fn probe_after(&self) -> Option<Duration> {
        self.probe_after
    }
}
