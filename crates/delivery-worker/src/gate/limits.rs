//! Limits of integrations: how many requests are sent in a window, whichever worker sends them.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::integration::{Integration, SetLimit};
use ig_core::window::{RateWindows, WindowKey};
use ig_delivery::Limiter;

use crate::executor::{Hold, Interrupted};

/// How long a delivery waits for room in its lane; what would have to wait longer becomes a dead letter that is due then.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long to wait before a database that does not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether there is room for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It may be sent now.
    Now,
    /// Not before this moment.
    At(Timestamp),
}

/// The limits, and what this worker has leased of them.
pub(crate) struct Limits {
    limiter: Limiter,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// No limit is known yet; windows are where all workers see them.
    pub(crate) fn new(windows: Arc<dyn RateWindows>, clock: Arc<dyn Clock>) -> Self {
        Self {
            limiter: Limiter::new(windows, Arc::clone(&clock)),
            clock,
        }
    }

    /// Waits for room for one request, but not for long.
    pub(crate) async fn room(&self, integration: &Integration, hold: Hold<'_>) -> Result<Room, Interrupted> {
        let Some(limit) = integration.rate_limit.and_then(SetLimit::in_force) else {
            return Ok(Room::Now);
        };
        let key = WindowKey::Integration(integration.org_id, integration.id);
        let last = self.clock.now() + LONGEST_WAIT;
        loop {
            let until = match self.limiter.take(&key, limit).await {
                Ok(taken) if taken.is_full => taken.free_at,
                Ok(_) => return Ok(Room::Now),
                Err(error) => {
                    tracing::warn!(%error, integration = %integration.id, "a limit cannot be read; waiting");
                    self.clock.now() + PAUSE
                }
            };
            if until > last {
                return Ok(Room::At(until));
            }
            let wait = (until - self.clock.now()).to_std().unwrap_or_default();
            hold.pause(wait).await?;
        }
    }
}
