//! Renews the claim on a run, and notices why the run has to stop.

use std::time::Duration;

use ig_core::job::{JobKey, RunId};
use ig_store::HoldOutcome;

use super::RunExecutor;

/// The longest time between two renewals, within which a request to cancel is seen.
const MAX_RENEWAL_INTERVAL: Duration = Duration::from_secs(2);

/// Why a run has to stop.
#[derive(Debug)]
pub(super) enum Interruption {
    /// A person cancelled it.
    Cancelled,
    /// Another process may hold it now.
    Lost,
    /// The process stops.
    Stopping,
}

impl RunExecutor {
    /// Renews the claim until the run has to stop.
    pub(super) async fn hold(&self, key: JobKey, run: RunId, claim: &str) -> Interruption {
        let interval = (self.config.lease() / 3).min(MAX_RENEWAL_INTERVAL);
        let mut renewed = self.clock.now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Interruption::Stopping,
                () = tokio::time::sleep(interval) => {}
            }
            let extended = self.claim(claim);
            match self.states.renew(key, run, extended).await {
                Ok(HoldOutcome::Held) => renewed = extended.now,
                Ok(HoldOutcome::CancelRequested(_)) => return Interruption::Cancelled,
                Ok(HoldOutcome::Lost) => return Interruption::Lost,
                Err(error) => {
                    tracing::warn!(%error, ig.job.run = %run, "the claim on a run cannot be renewed");
                    if renewed + self.config.lease() <= self.clock.now() {
                        return Interruption::Lost;
                    }
                }
            }
        }
    }
}
