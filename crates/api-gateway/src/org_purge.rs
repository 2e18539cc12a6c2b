//! Removes the data of deleted organisations.
//!
//! Most of it goes at once. Work in flight, such as a delivery that waits for its response, may still be recorded afterwards, and workers
//! remember seen events for minutes. So a number stays reserved for a while, and becomes free only after a last pass has found nothing
//! more.

use std::time::Duration;

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_service::Context;
use ig_store::{PurgePass, Store};

/// The delay between passes.
const PASS_INTERVAL: Duration = Duration::from_secs(1);
/// How long passes must find nothing before a number becomes free.
const QUIET_PERIOD: Duration = Duration::from_mins(1);
/// The deadline of one round of the loop, which waits for a database.
const PASS_DEADLINE: Duration = Duration::from_mins(10);

/// Purges deleted organisations until shutdown; each number stays reserved for at least `hold`.
pub(crate) async fn run(context: Context, store: Store, hold: Duration) {
    let heartbeat = context.liveness().watch("organisation removal", PASS_DEADLINE);
    let purger = OrgPurger {
        store,
        hold,
        name: format!("{:032x}", rand::random::<u128>()),
    };
    let purging = async {
        loop {
            heartbeat.beat();
            match purger.purge_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "what a deleted organisation had cannot be removed now"),
            }
            tokio::time::sleep(PASS_INTERVAL).await;
        }
    };
    context.stopping().run_until_cancelled(purging).await;
}

struct OrgPurger {
    store: Store,
    hold: Duration,
    /// The owner name in leases.
    name: String,
}

impl OrgPurger {
    /// Makes one pass over one deleted organisation; false if there is none.
    async fn purge_next(&self) -> Result<bool, StoreError> {
        let deletions = self.store.org_deletions();
        let Some(deletion) = deletions.claim(&self.name, Utc::now()).await? else {
            return Ok(false);
        };
        let org = deletion.org_id;
        let pass = deletions.pass(org, &self.name).await?;
        let (now, held_until) = (Utc::now(), deletion.deleted_at + self.hold);
        let removed = match pass {
            PurgePass::Whole(removed) => removed,
            PurgePass::Unfinished => {
                deletions.rest(org, &self.name, now).await?;
                return Ok(true);
            }
            PurgePass::Lost => return Ok(true),
        };
        if now < held_until {
            deletions.rest(org, &self.name, held_until).await?;
        } else if removed > 0 {
            deletions.rest(org, &self.name, now + QUIET_PERIOD.min(self.hold)).await?;
        } else {
            deletions.finish(org, &self.name, now).await?;
            tracing::info!(
                ig.org_id = org.0,
                "nothing is left of a deleted organisation: its number is free"
            );
        }
        Ok(true)
    }
}
