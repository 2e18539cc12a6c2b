//! Watches the gaps below what was read of one source, and what was read once and is not visible any more.
//!
//! A task of its own: however many gaps there are, reading on does not wait for them. It moves no cursor; what it finds is taken up only
//! where a partition still misses it.

use std::time::Duration;

use ig_core::id::Position;
use ig_core::lease::READ_SINCE;
use ig_core::reading::Stretch;
use tokio_util::sync::CancellationToken;

use super::ingester::{ReadError, Uptake};
use crate::decision_lookup::merged;
use crate::metrics;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// How many rows that have turned up are read at a time.
const AT_ONCE: usize = 500;

/// The task that watches one source's gaps.
pub(crate) struct HoleWatch {
    uptake: Uptake,
}

impl HoleWatch {
    /// Takes up what turns up.
    pub(crate) fn new(uptake: Uptake) -> Self {
        Self { uptake }
    }

    /// Watches until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::debug!(source = %self.uptake.state().source.id(), %error, "gaps cannot be looked at; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), ReadError> {
        self.look_at_tail().await?;
        let state = self.uptake.state();
        // Asked before anything is given up, so that a row that committed at the last moment is still found.
        let asked_at = self.uptake.clock().now();
        let due = state.holes.lock().due(asked_at, state.hole_watch);
        if due.is_empty() {
            return Ok(());
        }
        let filled = state.source.visible_within(&due).await?;
        for some in filled.chunks(AT_ONCE) {
            let rows = state.source.read_ranges(&merged(some.iter().copied())).await?;
            self.uptake.take_up(rows, &Stretch::of_holes(), Vec::new(), false).await?;
        }
        let begun = state.tracker.begun();
        let over = state.holes.lock().watched_for(asked_at, state.hole_watch);
        // Who held a partition before may have decided about more than it had told of.
        let decided_to = state.tracker.recheck_to().saturating_add(READ_SINCE);
        self.uptake.take_up_vanished(over, decided_to).await?;
        let given_up = {
            let mut holes = state.holes.lock();
            // A partition that has begun meanwhile reads these gaps for itself, and is owed a look of its own. It notes them under this lock.
            if state.tracker.begun() != begun {
                return Ok(());
            }
            holes.give_up(asked_at, state.hole_watch)
        };
        metrics::holes_given_up(state.source.id(), given_up);
        Ok(())
    }

    /// Positions above the head that may have been decided about are waited for as long as holes.
    async fn look_at_tail(&self) -> Result<(), ReadError> {
        let state = self.uptake.state();
        let Some(tail) = state.tail.lock().clone() else {
            return Ok(());
        };
        if tail.missed_at.elapsed() < state.hole_watch {
            return Ok(());
        }
        let head = state.source.head().await?;
        let still_missed = tail
            .positions
            .iter()
            .map(|range| (*range.start()).max(head + 1)..=*range.end());
        self.uptake.take_up_vanished(still_missed, Position::MAX).await?;
        state.tail.lock().take_if(|now| now.missed_at == tail.missed_at);
        Ok(())
    }
}
