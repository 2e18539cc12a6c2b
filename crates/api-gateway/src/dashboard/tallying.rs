//! Counts settled ten-minute buckets of deliveries for all organisations in advance, so that dashboards find them counted.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::tally::Bucket;
use ig_service::Context;
use ig_store::Store;

use crate::feed::ConfigFeed;

/// The delay between checks for a settled bucket.
const CHECK_INTERVAL: Duration = Duration::from_secs(20);
/// How many organisations are counted together.
const ORGS_PER_BATCH: usize = 200;

/// Counts until shutdown. One gateway of a fleet counts; a dashboard counts for itself what is missing.
pub(crate) async fn tally(context: Context, store: Store, feed: Arc<ConfigFeed>) {
    let tallying = async {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if let Err(error) = tally_settled_bucket(&store, &feed).await {
                tracing::warn!(%error, "nobody counts deliveries beforehand");
            }
        }
    };
    context.stopping().run_until_cancelled(tallying).await;
}

async fn tally_settled_bucket(store: &Store, feed: &ConfigFeed) -> Result<(), StoreError> {
    let bucket = Bucket::last_settled(Utc::now());
    if store.delivery_statistics().take_on(bucket).await? {
        let orgs: Vec<_> = feed.configuration().orgs().collect();
        for orgs in orgs.chunks(ORGS_PER_BATCH) {
            tally_batch(store, orgs, bucket).await;
        }
    }
    Ok(())
}

async fn tally_batch(store: &Store, orgs: &[OrgId], bucket: Bucket) {
    match store.delivery_statistics().tally(orgs, bucket, Utc::now()).await {
        Ok(organizations) => tracing::debug!(organizations, "deliveries were counted"),
        Err(error) => tracing::warn!(%error, "deliveries could not be counted beforehand"),
    }
}
