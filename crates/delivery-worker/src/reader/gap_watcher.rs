//! Watches the gaps below the read positions of one source, and positions read before whose rows are not visible any more.
//!
//! It is a task of its own, so that reading on waits for no gap. It moves no cursor; the rows it finds are admitted only where a partition
//! still misses them.

use std::time::Duration;

use ig_core::id::Position;
use ig_core::lease::MAX_UNSAVED_READ;
use ig_core::read_cursors::ReadRange;
use tokio_util::sync::CancellationToken;

use super::ingester::{Ingester, ReadError};
use crate::decision_lookup::merge_adjacent;
use crate::metrics;

/// The pause between two checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// The most rows that are read at once.
const READ_BATCH: usize = 500;

/// The task that watches one source's gaps.
pub(crate) struct GapWatcher {
    ingester: Ingester,
}

impl GapWatcher {
    /// Ingests rows that fill gaps.
    pub(crate) fn new(ingester: Ingester) -> Self {
        Self { ingester }
    }

    /// Watches until `stop` fires.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.check_gaps().await {
                tracing::debug!(source = %self.ingester.state().source.id(), %error, "gaps cannot be looked at; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
    }

    async fn check_gaps(&self) -> Result<(), ReadError> {
        self.check_tail().await?;
        let state = self.ingester.state();
        // Read before any gap is given up, so that a row that committed at the last moment is still found.
        let checked_at = self.ingester.clock().now();
        let due = state.gap_tracker.lock().due(checked_at, state.gap_watch);
        if due.is_empty() {
            return Ok(());
        }
        let filled = state.source.visible_positions(&due).await?;
        for positions in filled.chunks(READ_BATCH) {
            let rows = state.source.read_ranges(&merge_adjacent(positions.iter().copied())).await?;
            self.ingester.ingest(rows, &ReadRange::of_gaps(), Vec::new(), false).await?;
        }
        let start_count = state.tracker.start_count();
        let expired = state.gap_tracker.lock().expired(checked_at, state.gap_watch);
        // The earlier holder may have decided about more than it had stored as read.
        let decided_to = state.tracker.recheck_to().saturating_add(MAX_UNSAVED_READ);
        self.ingester.ingest_vanished(expired, decided_to).await?;
        let given_up = {
            let mut gap_tracker = state.gap_tracker.lock();
            // A partition that was started meanwhile reads these gaps for itself and needs a check of its own. It notes them under this
            // lock.
            if state.tracker.start_count() != start_count {
                return Ok(());
            }
            gap_tracker.give_up(checked_at, state.gap_watch)
        };
        metrics::count_expired_gaps(state.source.id(), given_up);
        Ok(())
    }

    /// Positions above the head that may have been decided about are watched for as long as gaps.
    async fn check_tail(&self) -> Result<(), ReadError> {
        let state = self.ingester.state();
        let Some(tail) = state.tail.lock().clone() else {
            return Ok(());
        };
        if tail.watched_since.elapsed() < state.gap_watch {
            return Ok(());
        }
        let head = state.source.head().await?;
        let still_missing = tail
            .positions
            .iter()
            .map(|range| (*range.start()).max(head + 1)..=*range.end());
        self.ingester.ingest_vanished(still_missing, Position::MAX).await?;
        state.tail.lock().take_if(|now| now.watched_since == tail.watched_since);
        Ok(())
    }
}
