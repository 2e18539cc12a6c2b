//! Renews the claims of this process.

use std::sync::Weak;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::dispatcher::Dispatcher;

/// Renews all claims every `interval` until `settled`. The weak reference does not keep the dispatcher, and its sender, alive.
pub(crate) async fn run(dispatcher: Weak<Dispatcher>, interval: Duration, settled: CancellationToken) {
    while settled.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
        let Some(dispatcher) = dispatcher.upgrade() else { continue };
        let claimed = dispatcher.backlog.lock().claimed();
        if claimed.is_empty() {
            continue;
        }
        let claim = dispatcher.claim_at(dispatcher.clock.now());
        if let Err(error) = dispatcher.store.renew(&claimed, claim).await {
            tracing::warn!(%error, deliveries = claimed.len(), "claims could not be prolonged");
        }
    }
}
