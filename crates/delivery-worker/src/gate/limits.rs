//! Limits of integrations: how many requests are sent in a window, whichever worker sends them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::id::IntegrationId;
use ig_core::integration::{Integration, SetLimit};
use ig_core::ports::StoreError;
use ig_core::window::{Meter, RateLimit, RateWindows, Take, WindowKey};
use parking_lot::Mutex;

use crate::maker::{Hold, Interrupted};

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
    windows: Arc<dyn RateWindows>,
    meters: Mutex<HashMap<IntegrationId, Arc<tokio::sync::Mutex<Meter>>>>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// No limit is known yet; windows are where all workers see them.
    pub(crate) fn new(windows: Arc<dyn RateWindows>, clock: Arc<dyn Clock>) -> Self {
        Self {
            windows,
            meters: Mutex::default(),
            clock,
        }
    }

    /// Waits for room for one request, but not for long.
    pub(crate) async fn room(&self, integration: &Integration, hold: Hold<'_>) -> Result<Room, Interrupted> {
        let Some(limit) = integration.rate_limit.and_then(SetLimit::in_force) else {
            return Ok(Room::Now);
        };
        let last = self.clock.now() + LONGEST_WAIT;
        loop {
            let until = match self.take(integration, limit).await {
                Ok(None) => return Ok(Room::Now),
                Ok(Some(until)) => until,
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
            if !hold.holds() {
                return Err(Interrupted);
            }
        }
    }

    /// Takes one request, or says when there is room for the next. One asks for all who wait.
    async fn take(&self, integration: &Integration, limit: RateLimit) -> Result<Option<Timestamp>, StoreError> {
        let meter = self.meter(integration.id, limit);
        let mut meter = meter.lock().await;
        if *meter.limit() != limit {
            *meter = Meter::new(limit);
        }
        let key = WindowKey::Integration(integration.org_id, integration.id);
        loop {
            match meter.take(self.clock.now()) {
                Take::Taken => return Ok(None),
                Take::Full { until } => return Ok(Some(until)),
                Take::Ask(ask) => {
                    let grant = self.windows.lease(&key, &limit, ask, self.clock.now()).await?;
                    meter.granted(grant);
                }
            }
        }
    }

    fn meter(&self, id: IntegrationId, limit: RateLimit) -> Arc<tokio::sync::Mutex<Meter>> {
        let mut meters = self.meters.lock();
        let meter = meters
            .entry(id)
            .or_insert_with(|| Arc::new(tokio::sync::Mutex::new(Meter::new(limit))));
        Arc::clone(meter)
    }
}
