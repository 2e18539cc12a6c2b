//! Starts sources in each held partition.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ig_core::id::Position;
use ig_core::lease::SourceMarks;
use ig_core::ports::StoreError;
use tokio_util::sync::CancellationToken;

use super::{HeldPartition, PartitionManager};
use crate::local_lease::LocalLease;
use crate::reader::SourceState;

/// How often held partitions are checked for sources that have not started.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// The pause before an unavailable source is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

impl PartitionManager {
    /// Starts a source in every held partition where it has not started, until `stop` fires. Each source has a task of its own: an
    /// unavailable source delays neither the others nor the renewal of leases. `on_stored` is called once the source's start position is
    /// stored.
    pub(crate) async fn start_source(
        self: Arc<Self>,
        state: Arc<SourceState>,
        stop: CancellationToken,
        on_stored: impl FnOnce(),
    ) {
        let storing = self.store_start(&state);
        if stop.run_until_cancelled(storing).await.is_none() {
            return;
        }
        on_stored();
        while !stop.is_cancelled() {
            let waiting = self.not_started(&state);
            let started = if waiting.is_empty() {
                Ok(())
            } else {
                self.start_partitions(&state, waiting).await
            };
            if let Err(error) = &started {
                tracing::warn!(source = %state.source.id(), %error, "a source cannot begin yet; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(if started.is_ok() { CHECK_INTERVAL } else { RETRY_INTERVAL }) => {}
            }
        }
    }

    /// Stores the position at which a source starts, unless it has started before. Later events are delivered, however long it takes until
    /// a partition is held.
    async fn store_start(&self, state: &SourceState) {
        while let Err(error) = self.try_store_start(state).await {
            tracing::warn!(source = %state.source.id(), %error, "it cannot be stored yet where a source begins; trying again");
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    async fn try_store_start(&self, state: &SourceState) -> Result<(), StartError> {
        let (source, leases) = (state.source.id(), &self.dependencies.leases);
        if leases.source_marks(source).await?.is_none() {
            leases.start_source(source, state.first_position().await?).await?;
        }
        Ok(())
    }

    fn not_started(&self, state: &SourceState) -> Vec<(Arc<LocalLease>, Option<Position>)> {
        let held = self.held.lock();
        let waiting = held.values().filter(|held| !state.tracker.has_started(&held.lease));
        let entry = |held: &HeldPartition| (Arc::clone(&held.lease), held.checkpoints.get(state.source.id()).copied());
        waiting.map(entry).collect()
    }

    async fn start_partitions(
        &self,
        state: &SourceState,
        waiting: Vec<(Arc<LocalLease>, Option<Position>)>,
    ) -> Result<(), StartError> {
        let head = state.source.head().await?;
        let SourceMarks {
            first,
            highest_read,
            generations,
            rewinds,
        } = self
            .dependencies
            .leases
            .start_source(state.source.id(), state.first_position().await?)
            .await?;
        // Decisions about earlier tables, or from before a rewind, exist for rows up to here.
        let recheck_to = head
            .max(highest_read)
            .max(generations.highest_earlier_id())
            .max(rewinds.max_possible_read());
        *state.generations.write() = generations;
        *state.rewinds.write() = rewinds;
        for (lease, checkpoint) in waiting {
            state.start_partition(lease, checkpoint.unwrap_or(first), recheck_to);
        }
        state.saved_read_to.store(highest_read, Ordering::Relaxed);
        state.watch_tail(head, highest_read);
        Ok(())
    }
}

/// Why a source could not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Source(#[from] ig_core::ports::SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
