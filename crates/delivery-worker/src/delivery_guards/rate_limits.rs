//! Rate limits of integrations, counted over all workers.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::integration::{ConfiguredLimit, Integration};
use ig_core::window::{RateWindows, WindowKey};
use ig_delivery::Limiter;

use crate::work_scope::{WorkEnded, WorkScope};

/// How long a delivery waits in its lane; one that would wait longer becomes a dead letter due at that time.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The pause before an unavailable database is asked again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// When the rate limit allows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateLimitDecision {
    /// The request may be sent now.
    SendNow,
    /// The request may be sent no earlier than this.
    NotBefore(Timestamp),
}

/// The rate limits, and the share of them that this worker has leased.
pub(crate) struct RateLimits {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
}

impl RateLimits {
    /// Limits counted in these windows, which all workers share.
    pub(crate) fn new(windows: Arc<dyn RateWindows>, clock: Arc<dyn Clock>) -> Self {
        Self {
            limiter: Limiter::new(windows, Arc::clone(&clock)),
            clock,
        }
    }

    /// Waits until the limit allows one request, at most `MAX_WAIT`.
    pub(crate) async fn acquire(&self, integration: &Integration, scope: WorkScope<'_>) -> Result<RateLimitDecision, WorkEnded> {
        let Some(limit) = integration.rate_limit.and_then(ConfiguredLimit::in_force) else {
            return Ok(RateLimitDecision::SendNow);
        };
        let key = WindowKey::Integration(integration.org_id, integration.id);
        let deadline = self.clock.now() + MAX_WAIT;
        loop {
            let until = match self.limiter.take(&key, limit).await {
                Ok(taken) if taken.is_full => taken.free_at,
                Ok(_) => return Ok(RateLimitDecision::SendNow),
                Err(error) => {
                    tracing::warn!(%error, integration = %integration.id, "a limit cannot be read; waiting");
                    self.clock.now() + RETRY_PAUSE
                }
            };
            if until > deadline {
                return Ok(RateLimitDecision::NotBefore(until));
            }
            let wait = (until - self.clock.now()).to_std().unwrap_or_default();
            scope.sleep(wait).await?;
        }
    }
}
