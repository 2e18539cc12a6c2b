//! The rate limit that a tenant sets for an integration.

use crate::window::RateLimit;

/// A rate limit with a switch: one that is off keeps its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfiguredLimit {
    /// Whether the limit is in force.
    pub enabled: bool,
    /// The limit.
    pub limit: RateLimit,
}

impl ConfiguredLimit {
    /// The limit, where it is in force.
    pub fn in_force(self) -> Option<RateLimit> {
        self.enabled.then_some(self.limit)
    }
}
