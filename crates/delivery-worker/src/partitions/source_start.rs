//! Where sources begin, in each partition that is held.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ig_core::id::Position;
use ig_core::lease::SourceMarks;
use ig_core::ports::StoreError;
use tokio_util::sync::CancellationToken;

use super::{HeldPartition, Keeper};
use crate::held_lease::Tenure;
use crate::reader::SourceState;

/// Between two looks for partitions in which a source has not begun.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Between two attempts to begin a source that is away.
const TRY_AGAIN: Duration = Duration::from_secs(2);

impl Keeper {
    /// Begins a source in every held partition where it has not begun, until told to stop. Each source has a task of its own: one that
    /// is away keeps neither the others waiting nor the leases from being renewed.
    /// `fixed` is called when it is stored where the source begins.
    pub(crate) async fn begin_source(self: Arc<Self>, state: Arc<SourceState>, stop: CancellationToken, fixed: impl FnOnce()) {
        let fixing = self.fix_start(&state);
        if stop.run_until_cancelled(fixing).await.is_none() {
            return;
        }
        fixed();
        while !stop.is_cancelled() {
            let waiting = self.not_begun(&state);
            let begun = if waiting.is_empty() {
                Ok(())
            } else {
                self.begin(&state, waiting).await
            };
            if let Err(error) = &begun {
                tracing::warn!(source = %state.source.id(), %error, "a source cannot begin yet; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(if begun.is_ok() { LOOK_AGAIN } else { TRY_AGAIN }) => {}
            }
        }
    }

    /// Has it stored where a source begins, unless it has begun before. What comes after that moment is delivered, however long it
    /// takes until a partition is held.
    async fn fix_start(&self, state: &SourceState) {
        while let Err(error) = self.try_to_fix_start(state).await {
            tracing::warn!(source = %state.source.id(), %error, "it cannot be stored yet where a source begins; trying again");
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    async fn try_to_fix_start(&self, state: &SourceState) -> Result<(), BeginError> {
        let (source, leases) = (state.source.id(), &self.parts.leases);
        if leases.source_marks(source).await?.is_none() {
            leases.begin_source(source, state.first_position().await?).await?;
        }
        Ok(())
    }

    fn not_begun(&self, state: &SourceState) -> Vec<(Arc<Tenure>, Option<Position>)> {
        let held = self.held.lock();
        let waiting = held.values().filter(|held| !state.tracker.has_begun(&held.tenure));
        let entry = |held: &HeldPartition| (Arc::clone(&held.tenure), held.checkpoints.get(state.source.id()).copied());
        waiting.map(entry).collect()
    }

    async fn begin(&self, state: &SourceState, waiting: Vec<(Arc<Tenure>, Option<Position>)>) -> Result<(), BeginError> {
        let head = state.source.head().await?;
        let SourceMarks {
            first,
            seen,
            generations,
            rewinds,
        } = self
            .parts
            .leases
            .begin_source(state.source.id(), state.first_position().await?)
            .await?;
        // What was decided about events of earlier tables, or before the source was read again, stands beside rows up to there.
        let recheck_to = head.max(seen).max(generations.reach()).max(rewinds.reach());
        *state.generations.write() = generations;
        *state.rewinds.write() = rewinds;
        for (tenure, checkpoint) in waiting {
            state.begin(tenure, checkpoint.unwrap_or(first), recheck_to);
        }
        state.seen_saved.store(seen, Ordering::Relaxed);
        state.miss(head, seen);
        Ok(())
    }
}

/// Why a source could not begin.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error(transparent)]
    Source(#[from] ig_core::ports::SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
