//! Prolongs the claims on what is held.

use std::sync::Weak;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::delivering::Deliveries;

/// Prolongs again and again, until told that nothing is held any more. It does not count among those who make deliveries.
pub(crate) async fn run(deliveries: Weak<Deliveries>, every: Duration, over: CancellationToken) {
    while over.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        let Some(deliveries) = deliveries.upgrade() else { continue };
        let held = deliveries.backlog.lock().held();
        if held.is_empty() {
            continue;
        }
        let claim = deliveries.claimed_from(deliveries.clock.now());
        if let Err(error) = deliveries.store.renew(&held, claim).await {
            tracing::warn!(%error, deliveries = held.len(), "claims could not be prolonged");
        }
    }
}
