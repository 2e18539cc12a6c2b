//! Deletes pushed events that every partition is done with.
//!
//! A done event is kept for a while, so that an id that is pushed again counts as a duplicate. An event that is not done is kept for ever.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Clock;
use ig_core::id::{Position, SourceId};
use ig_core::lease::Lease;
use ig_core::partition::{PARTITIONS, PartitionId};
use ig_core::ports::{PartitionLeases, StoreError};
use ig_store::PushQueue;
use tokio_util::sync::CancellationToken;

use crate::partition_manager::PartitionManager;

const INTERVAL: Duration = Duration::from_mins(1);
/// How long the id of a done event is remembered.
const DEDUP_RETENTION: Duration = Duration::from_hours(7 * 24);

/// The task that deletes pushed events.
pub(crate) struct PushCleanup {
    pub(crate) manager: Arc<PartitionManager>,
    pub(crate) leases: Arc<dyn PartitionLeases>,
    pub(crate) queue: PushQueue,
    pub(crate) source: SourceId,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PushCleanup {
    /// Runs until `stop` fires. The holder of the first partition cleans up for all.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let is_mine = PartitionId::new(0).is_some_and(|first| self.manager.holds(first));
            if is_mine && let Err(error) = self.clean_up().await {
                tracing::warn!(%error, "pushed events that are done cannot be forgotten yet");
            }
        }
    }

    async fn clean_up(&self) -> Result<(), StoreError> {
        let leases = self.leases.list().await?;
        let Some(done) = done_everywhere(&leases, &self.source) else {
            return Ok(());
        };
        let removed = self.queue.forget_done(done, self.clock.now() - DEDUP_RETENTION).await?;
        if removed > 0 {
            tracing::info!(events = removed, "pushed events were forgotten");
        }
        Ok(())
    }
}

/// The position up to which all partitions are done; none if the source has not started in one of them.
fn done_everywhere(leases: &[Lease], source: &SourceId) -> Option<Position> {
    let checkpoints: Vec<_> = leases
        .iter()
        .filter_map(|lease| lease.checkpoints.get(source).copied())
        .collect();
    let all = checkpoints.len() == usize::from(PARTITIONS);
    checkpoints.into_iter().min().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn lease(partition: PartitionId, checkpoint: Option<Position>) -> Lease {
        let checkpoints = checkpoint.map(|position| (SourceId::new("push"), position));
        Lease {
            partition,
            owner: None,
            epoch: 1,
            expires_at: chrono::DateTime::UNIX_EPOCH,
            checkpoints: BTreeMap::from_iter(checkpoints),
        }
    }

    #[test]
    fn push_cleanup_follows_the_slowest_partition_and_waits_for_one_that_has_not_started() {
        let source = SourceId::new("push");
        let mut leases: Vec<_> = PartitionId::all()
            .map(|partition| lease(partition, Some(100 + u64::from(partition.number()))))
            .collect();
        assert_eq!(done_everywhere(&leases, &source), Some(100));
        leases[7] = lease(leases[7].partition, None);
        assert_eq!(done_everywhere(&leases, &source), None);
    }
}
