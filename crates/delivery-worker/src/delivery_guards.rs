//! What deliveries pass before they are sent: the circuit breaker, except for test deliveries, and the rate limit of their integration.

mod rate_limits;

use std::sync::Arc;

use ig_delivery::CircuitBreakers;

pub(crate) use rate_limits::{RateLimitDecision, RateLimits};

/// The circuit breakers and the rate limits.
pub(crate) struct DeliveryGuards {
    pub(crate) breakers: CircuitBreakers,
    pub(crate) rate_limits: RateLimits,
}

impl DeliveryGuards {
    pub(crate) fn new(breakers: CircuitBreakers, rate_limits: RateLimits) -> Arc<Self> {
        Arc::new(Self { breakers, rate_limits })
    }
}
