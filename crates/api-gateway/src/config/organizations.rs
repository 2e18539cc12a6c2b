//! Section `organizations`: the lifecycle of organisations.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `organizations`: the lifecycle of organisations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationsConfig {
    /// How long the number of a deleted organisation stays reserved, in seconds at least, so that nothing of the old one is still in
    /// flight. Workers remember seen events for 10 minutes.
    pub number_hold_seconds: u64,
}

impl OrganizationsConfig {
    /// How long a number stays reserved.
    pub fn number_hold(&self) -> Duration {
        Duration::from_secs(self.number_hold_seconds)
    }
}

impl Default for OrganizationsConfig {
    fn default() -> Self {
        Self {
            number_hold_seconds: 1_200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn org_number_stays_reserved_longer_than_workers_remember_events() {
        assert!(OrganizationsConfig::default().number_hold() >= ig_core::dedup::RETENTION * 2);
    }
}
