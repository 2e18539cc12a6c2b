//! What stands before a delivery: whether it is sent now, held, or has to wait for its integration's limit.

mod limits;

use std::sync::Arc;

use ig_delivery::CircuitBreakers;

pub(crate) use limits::{Limits, Room};

/// The two of them.
pub(crate) struct Gate {
    /// Breakers.
    pub(crate) breakers: CircuitBreakers,
    /// Limits.
    pub(crate) limits: Limits,
}

impl Gate {
    /// Puts the parts together.
    pub(crate) fn new(breakers: CircuitBreakers, limits: Limits) -> Arc<Self> {
        Arc::new(Self { breakers, limits })
    }
}
