//! Forgets pushed events that every partition is done with.
//!
//! A done event is kept for a while, so that the same id pushed again is told from a new one. One that is not done is kept for ever.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Clock;
use ig_core::id::{Position, SourceId};
use ig_core::lease::Lease;
use ig_core::partition::{PARTITIONS, PartitionId};
use ig_core::ports::{PartitionLeases, StoreError};
use ig_store::PushQueue;
use tokio_util::sync::CancellationToken;

use crate::partitions::Keeper;

const EVERY: Duration = Duration::from_mins(1);
/// For how long an id that was pushed is remembered once its event is done.
const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// The task that forgets.
pub(crate) struct Forgetting {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) leases: Arc<dyn PartitionLeases>,
    pub(crate) queue: PushQueue,
    pub(crate) source: SourceId,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Forgetting {
    /// Forgets until told to stop. The holder of the first partition does it for all.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let is_mine = PartitionId::new(0).is_some_and(|first| self.keeper.holds(first));
            if is_mine && let Err(error) = self.forget().await {
                tracing::warn!(%error, "pushed events that are done cannot be forgotten yet");
            }
        }
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let leases = self.leases.list().await?;
        let Some(done) = done_everywhere(&leases, &self.source) else {
            return Ok(());
        };
        let forgotten = self.queue.forget_done(done, self.clock.now() - REMEMBERED).await?;
        if forgotten > 0 {
            tracing::info!(events = forgotten, "pushed events were forgotten");
        }
        Ok(())
    }
}

/// How far a source is done in all partitions; nothing where one has not begun.
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
    fn the_slowest_partition_decides_and_one_that_has_not_begun_forbids() {
        let source = SourceId::new("push");
        let mut leases: Vec<_> = PartitionId::all()
            .map(|partition| lease(partition, Some(100 + u64::from(partition.number()))))
            .collect();
        assert_eq!(done_everywhere(&leases, &source), Some(100));
        leases[7] = lease(leases[7].partition, None);
        assert_eq!(done_everywhere(&leases, &source), None);
    }
}
