//! What stands before a delivery: whether it is sent now, held, or has to wait for its integration's limit.

mod breakers;
mod limits;
mod opening;

use std::sync::Arc;

pub(crate) use breakers::{Breakers, Passage};
pub(crate) use limits::{Limits, Room};
pub(crate) use opening::Opening;

/// The two of them.
pub(crate) struct Gate {
    /// Breakers.
    pub(crate) breakers: Breakers,
    /// Limits.
    pub(crate) limits: Limits,
}

impl Gate {
    /// Puts the parts together.
    pub(crate) fn new(breakers: Breakers, limits: Limits) -> Arc<Self> {
        Arc::new(Self { breakers, limits })
    }
}
