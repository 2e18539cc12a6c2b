//! Stores how far each partition is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ig_core::lease::{Checkpoint, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::{PartitionLeases, StoreError};

use crate::reader::SourceState;

/// The checkpoints of every source.
pub(crate) struct Checkpoints {
    worker: WorkerId,
    leases: Arc<dyn PartitionLeases>,
    sources: Vec<Arc<SourceState>>,
}

impl Checkpoints {
    /// The checkpoints that this worker saves.
    pub(crate) fn new(worker: WorkerId, leases: Arc<dyn PartitionLeases>, sources: Vec<Arc<SourceState>>) -> Self {
        Self { worker, leases, sources }
    }

    /// Stores the checkpoints that moved and returns the partitions that another worker holds now.
    pub(crate) async fn save(&self) -> Result<Vec<PartitionId>, StoreError> {
        let mut refused = Vec::new();
        for state in &self.sources {
            self.save_seen(state).await?;
            let moved = state.checkpoints();
            if !moved.is_empty() {
                refused.extend(self.save_source(state, &moved).await?);
            }
        }
        Ok(refused)
    }

    /// An event that was read may have been decided about. The next holder must know how far, even if the source no longer shows the row.
    async fn save_seen(&self, state: &SourceState) -> Result<(), StoreError> {
        let seen = state.tracker.read_to();
        if seen > state.saved_read_to.load(Ordering::Relaxed) {
            self.leases.save_highest_read(state.source.id(), seen).await?;
            state.saved_read_to.fetch_max(seen, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn save_source(&self, state: &SourceState, moved: &[Checkpoint]) -> Result<Vec<PartitionId>, StoreError> {
        let refused = self.leases.save(&self.worker, moved).await?;
        for checkpoint in moved.iter().filter(|checkpoint| !refused.contains(checkpoint)) {
            state.tracker.mark_saved(checkpoint);
        }
        Ok(refused.into_iter().map(|checkpoint| checkpoint.partition).collect())
    }
}
