//! The loop that takes redrives up: each is stored, held under a lease by whoever carries it out, and taken up by another when that ends.

mod carry_out;
mod round;

use std::sync::Arc;
use std::time::Duration;

use ig_core::ports::StoreError;
use ig_core::redelivery::ClaimId;
use ig_core::redrive::RedriveKey;
use ig_service::{Context, TaskKind};
use ig_store::Redrives;
use parking_lot::Mutex;

use crate::nudge::Nudge;
use crate::retries::Retries;

/// How often to look for redrives whose holder is gone.
const LOOK: Duration = Duration::from_secs(3);
/// The most redrives that one process carries out at once, one of each tenant.
const MOST: usize = 16;

/// Takes redrives up and carries them out.
pub(crate) struct Redriving {
    redrives: Redrives,
    retries: Arc<Retries>,
    nudge: Nudge,
    context: Context,
    under_way: Mutex<Vec<RedriveKey>>,
}

impl Redriving {
    /// Puts the parts together.
    pub(crate) fn new(redrives: Redrives, retries: Arc<Retries>, nudge: Nudge, context: Context) -> Arc<Self> {
        Arc::new(Self {
            redrives,
            retries,
            nudge,
            context,
            under_way: Mutex::default(),
        })
    }

    /// Takes redrives up until told to stop; `alive` is called each time round.
    pub(crate) async fn run(self: Arc<Self>, alive: impl Fn()) {
        let stop = self.context.stopping().clone();
        while !stop.is_cancelled() {
            alive();
            let taken = self.take_up().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "redrives cannot be looked for; trying again");
                false
            });
            if !taken {
                self.nudge.or_after(LOOK, &stop).await;
            }
        }
    }

    /// Takes one up, if there is one and room for it.
    async fn take_up(self: &Arc<Self>) -> Result<bool, StoreError> {
        let under_way = self.under_way.lock().clone();
        if under_way.len() >= MOST {
            return Ok(false);
        }
        let claim = ClaimId::random(&mut rand::rng());
        let Some(redrive) = self.redrives.claim(&claim, &under_way, self.retries.clock.now()).await? else {
            return Ok(false);
        };
        self.under_way.lock().push(redrive.key);
        let this = Arc::clone(self);
        let name = format!("redrive {}", redrive.key.id);
        self.context.spawn(name, TaskKind::OneShot, async move {
            let key = redrive.key;
            this.carry_out(redrive, claim).await;
            this.under_way.lock().retain(|other| *other != key);
            this.nudge.wake();
        });
        Ok(true)
    }
}
