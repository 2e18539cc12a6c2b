//! Sweeps lookup rows that are permanently out of force.

use std::time::Duration;

use chrono::Utc;
use ig_service::Context;
use ig_store::Store;

/// The pause between two sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// Sweeps until the shutdown. Several gateways may sweep at once.
pub(crate) async fn sweep(context: Context, store: Store) {
    let sweeping = async {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            match store.lookups().sweep(Utc::now()).await {
                Ok(swept) if swept.generations > 0 => {
                    tracing::info!(
                        tables = swept.generations,
                        rows = swept.rows,
                        "lookup rows out of force were swept"
                    );
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "lookup rows out of force cannot be swept"),
            }
        }
    };
    context.stopping().run_until_cancelled(sweeping).await;
}
