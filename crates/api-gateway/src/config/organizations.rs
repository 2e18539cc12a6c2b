//! Section `organizations`: what becomes of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `organizations`: what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationsConfig {
    /// Seconds for which the number of a deleted organisation is given to nobody, at least: until nothing of the old one can be under way
    /// any more. Workers remember for 10 minutes which events they have seen.
    pub number_hold_seconds: u64,
}

impl OrganizationsConfig {
    /// How long a number is held.
    pub fn hold(&self) -> Duration {
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
    fn a_number_is_held_for_longer_than_any_event_of_its_first_holder_is_remembered() {
        assert!(OrganizationsConfig::default().hold() >= ig_core::dedup::REMEMBERED * 2);
    }
}
