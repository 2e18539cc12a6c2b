//! Counting everybody's deliveries of ten minutes once these have settled, so that whoever looks at a dashboard finds them counted.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::tally::Bucket;
use ig_service::Context;
use ig_store::Store;

use crate::feed::ConfigFeed;

/// Between two looks whether ten minutes have settled.
const PAUSE: Duration = Duration::from_secs(20);
/// Organisations that are counted together.
const TOGETHER: usize = 200;

/// Counts until the shutdown. Of any number of gateways one counts; what it does not come to is counted by whoever asks for it.
pub(crate) async fn tally(context: Context, store: Store, feed: Arc<ConfigFeed>) {
    let tallying = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = look(&store, &feed).await {
                tracing::warn!(%error, "nobody counts deliveries beforehand");
            }
        }
    };
    context.stopping().run_until_cancelled(tallying).await;
}

async fn look(store: &Store, feed: &ConfigFeed) -> Result<(), StoreError> {
    let bucket = Bucket::last_settled(Utc::now());
    if store.delivery_statistics().take_on(bucket).await? {
        let orgs: Vec<_> = feed.configuration().orgs().collect();
        for orgs in orgs.chunks(TOGETHER) {
            count(store, orgs, bucket).await;
        }
    }
    Ok(())
}

async fn count(store: &Store, orgs: &[OrgId], bucket: Bucket) {
    match store.delivery_statistics().tally(orgs, bucket, Utc::now()).await {
        Ok(organizations) => tracing::debug!(organizations, "deliveries were counted"),
        Err(error) => tracing::warn!(%error, "deliveries could not be counted beforehand"),
    }
}
