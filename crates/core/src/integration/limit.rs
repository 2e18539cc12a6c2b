//! The limit that a tenant has set for an integration.

use crate::window::RateLimit;

/// A limit and whether it is in force: one that is switched off keeps its numbers for the day on which it is switched on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetLimit {
    /// Whether deliveries are limited.
    pub enabled: bool,
    /// Its numbers.
    pub limit: RateLimit,
}

impl SetLimit {
    /// The limit, where it is in force.
    pub fn in_force(self) -> Option<RateLimit> {
        self.enabled.then_some(self.limit)
    }
}
