//! What every delivery passes before it is sent: the circuit breaker and the rate limit of its integration.

mod limits;

use std::sync::Arc;

use ig_delivery::CircuitBreakers;

pub(crate) use limits::{RateLimitAdmission, RateLimits};

/// The circuit breakers and the rate limits.
pub(crate) struct Gate {
    pub(crate) breakers: CircuitBreakers,
    pub(crate) limits: RateLimits,
}

impl Gate {
    pub(crate) fn new(breakers: CircuitBreakers, limits: RateLimits) -> Arc<Self> {
        Arc::new(Self { breakers, limits })
    }
}
