//! Watches the gaps below what was read of one source, and what was read once and is not visible any more.
//!
//! A task of its own: however many gaps there are, reading on does not wait for them. It moves no cursor; what it finds is taken up only
//! where a partition still misses it.

use std::time::Duration;

use ig_core::reading::Stretch;
use tokio_util::sync::CancellationToken;

use super::uptake::{ReadError, Uptake};
use crate::metrics;
use crate::recall::merged;

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
        let over = state.holes.lock().watched_for(asked_at, state.hole_watch);
        self.uptake.take_up_vanished(over).await?;
        let given_up = state.holes.lock().give_up(asked_at, state.hole_watch);
        metrics::holes_given_up(state.source.id(), given_up);
        Ok(())
    }

    /// Positions above the head that were seen once are watched like holes.
    async fn look_at_tail(&self) -> Result<(), ReadError> {
        let Some(tail) = self.uptake.state().tail.lock().clone() else {
            return Ok(());
        };
        let head = self.uptake.state().source.head().await?;
        if head < *tail.positions.end() {
            if tail.missed_at.elapsed() < self.uptake.state().hole_watch {
                return Ok(());
            }
            let first = *tail.positions.start();
            self.uptake
                .take_up_vanished(vec![first.max(head + 1)..=*tail.positions.end()])
                .await?;
        }
        *self.uptake.state().tail.lock() = None;
        Ok(())
    }
}
