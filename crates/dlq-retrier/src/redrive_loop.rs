//! The loop that claims redrives. A redrive is executed under a lease; when the lease ends, another process takes over.

mod execute;
mod pass;

use std::sync::Arc;
use std::time::Duration;

use ig_core::dead_letter_retry::ClaimId;
use ig_core::ports::StoreError;
use ig_core::redrive::RedriveKey;
use ig_service::{Context, TaskKind};
use ig_store::Redrives;
use parking_lot::Mutex;

use crate::nudge::Nudge;
use crate::retry_executor::RetryExecutor;

/// The poll interval for redrives whose lease has ended.
const POLL_INTERVAL: Duration = Duration::from_secs(3);
/// The most redrives that one process executes at once, one per tenant.
const MAX_CONCURRENT: usize = 16;

/// Claims and executes redrives.
pub(crate) struct RedriveLoop {
    redrives: Redrives,
    executor: Arc<RetryExecutor>,
    nudge: Nudge,
    context: Context,
    running: Mutex<Vec<RedriveKey>>,
}

impl RedriveLoop {
    /// A loop over `redrives` that retries with `executor`.
    pub(crate) fn new(redrives: Redrives, executor: Arc<RetryExecutor>, nudge: Nudge, context: Context) -> Arc<Self> {
        Arc::new(Self {
            redrives,
            executor,
            nudge,
            context,
            running: Mutex::default(),
        })
    }

    /// Claims redrives until the shutdown; calls `alive` on every turn.
    pub(crate) async fn run(self: Arc<Self>, alive: impl Fn()) {
        let stop = self.context.stopping().clone();
        while !stop.is_cancelled() {
            alive();
            let claimed = self.claim_next().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "redrives cannot be looked for; trying again");
                false
            });
            if !claimed {
                self.nudge.wait_up_to(POLL_INTERVAL, &stop).await;
            }
        }
    }

    /// Claims a redrive, if there is one and the limit allows it, and spawns its execution.
    async fn claim_next(self: &Arc<Self>) -> Result<bool, StoreError> {
        let running = self.running.lock().clone();
        if running.len() >= MAX_CONCURRENT {
            return Ok(false);
        }
        let claim = ClaimId::random(&mut rand::rng());
        let Some(redrive) = self.redrives.claim(&claim, &running, self.executor.clock.now()).await? else {
            return Ok(false);
        };
        self.running.lock().push(redrive.key);
        let this = Arc::clone(self);
        let name = format!("redrive {}", redrive.key.id);
        self.context.spawn(name, TaskKind::OneShot, async move {
            let key = redrive.key;
            this.execute(redrive, claim).await;
            this.running.lock().retain(|other| *other != key);
            this.nudge.wake();
        });
        Ok(true)
    }
}
