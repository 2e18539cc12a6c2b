//! Removing what organisations had that were deleted.
//!
//! Most of it goes at once. What is under way meanwhile, such as a delivery whose answer is waited for, may still be written down
//! afterwards, and workers remember for minutes which events they have seen; so a number stays held for a while, and is free only after
//! a last look found nothing any more.

use std::time::Duration;

use chrono::Utc;
use ig_core::ports::StoreError;
use ig_service::Context;
use ig_store::{Pass, Store};

/// Between two looks for what is to be removed.
const LOOK: Duration = Duration::from_secs(1);
/// How long nothing has come any more before a number is free.
const QUIET: Duration = Duration::from_mins(1);
/// A loop that waits for a database has to come round within this.
const LONGEST_LOOK: Duration = Duration::from_mins(10);

/// Removes what was deleted until the shutdown; a number stays held for so long at least.
pub(crate) async fn run(context: Context, store: Store, hold: Duration) {
    let heartbeat = context.liveness().watch("organisation removal", LONGEST_LOOK);
    let remover = OrgPurger {
        store,
        hold,
        name: format!("{:032x}", rand::random::<u128>()),
    };
    let remove = async {
        loop {
            heartbeat.beat();
            match remover.next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "what a deleted organisation had cannot be removed now"),
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    context.stopping().run_until_cancelled(remove).await;
}

struct OrgPurger {
    store: Store,
    hold: Duration,
    /// Under which leases are held.
    name: String,
}

impl OrgPurger {
    /// Renderings through one deleted organisation; whether there was one.
    async fn next(&self) -> Result<bool, StoreError> {
        let deletions = self.store.org_deletions();
        let Some(deletion) = deletions.claim(&self.name, Utc::now()).await? else {
            return Ok(false);
        };
        let org = deletion.org_id;
        let pass = deletions.pass(org, &self.name).await?;
        let (now, held_until) = (Utc::now(), deletion.deleted_at + self.hold);
        let removed = match pass {
            Pass::Whole(removed) => removed,
            Pass::Unfinished => {
                deletions.rest(org, &self.name, now).await?;
                return Ok(true);
            }
            Pass::Lost => return Ok(true),
        };
        if now < held_until {
            deletions.rest(org, &self.name, held_until).await?;
        } else if removed > 0 {
            deletions.rest(org, &self.name, now + QUIET.min(self.hold)).await?;
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
