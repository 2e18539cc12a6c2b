//! Integrations counted by state.

use super::{HoldCause, Integration};

/// Integrations counted by state; each has one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntegrationCounts {
    /// Their deliveries are sent.
    pub active: u64,
    /// A person has paused them.
    pub paused: u64,
    /// Their breaker is open.
    pub circuit_open: u64,
    /// They were never switched on.
    pub drafts: u64,
}

impl<'a> FromIterator<&'a Integration> for IntegrationCounts {
    fn from_iter<T: IntoIterator<Item = &'a Integration>>(integrations: T) -> Self {
        let mut counts = Self::default();
        for integration in integrations {
            *counts.counter_of(integration) += 1;
        }
        counts
    }
}

impl IntegrationCounts {
    fn counter_of(&mut self, integration: &Integration) -> &mut u64 {
        let cause = integration.hold.as_ref().map(|hold| hold.cause);
        match (integration.is_active, cause) {
            (true, _) => &mut self.active,
            (false, Some(HoldCause::Paused | HoldCause::Unreadable)) => &mut self.paused,
            (false, Some(HoldCause::CircuitOpen)) => &mut self.circuit_open,
            (false, None) => &mut self.drafts,
        }
    }
}
