//! Rows that were read are taken up: addressed, recalled, offered to the held partitions, and decided about.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ig_core::audit::SkipReason;
use ig_core::clock::Clock;
use ig_core::event::SourceRow;
use ig_core::holes::Holes;
use ig_core::id::Position;
use ig_core::ports::{SourceError, StoreError};
use ig_core::reading::Stretch;
use ig_core::stream::RowKind;

use super::SourceState;
use crate::admitted_event::Taken;
use crate::decision_lookup::Recall;
use crate::decision_queues::Judging;
use crate::dispatcher::Dispatch;
use crate::intake::Addressed;
use crate::tracker::Offered;

/// Why a source could not be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// It was not read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was decided earlier could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes up rows of one source. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Uptake {
    state: Arc<SourceState>,
    dispatch: Arc<Dispatch>,
    judging: Arc<Judging>,
    recall: Recall,
    clock: Arc<dyn Clock>,
}

impl Uptake {
    /// Hands what is taken up to `judging`.
    pub(crate) fn new(state: Arc<SourceState>, judging: Arc<Judging>, recall: Recall, clock: Arc<dyn Clock>) -> Self {
        Self {
            state,
            dispatch: Arc::clone(judging.dispatch()),
            judging,
            recall,
            clock,
        }
    }

    /// The source.
    pub(crate) fn state(&self) -> &Arc<SourceState> {
        &self.state
    }

    /// The time.
    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Notes that the source cannot be read as it is configured.
    pub(super) fn audit_source(&self, detail: &str) {
        self.dispatch
            .audit_source(self.state.source.id(), SkipReason::SourceMisconfigured, detail);
    }

    /// Takes up what is due of a stretch, and says of what kinds the rest is. All rows are addressed first, and what was decided about
    /// them is recalled, since that may fail: once the first is taken up, nothing fails.
    pub(super) async fn take_up(
        &self,
        rows: Vec<SourceRow>,
        stretch: &Stretch,
        gaps: Vec<RangeInclusive<Position>>,
        is_behind: bool,
    ) -> Result<Vec<RowKind>, ReadError> {
        let mut addressed = Vec::with_capacity(rows.len());
        for row in rows {
            let row = self.state.named(row);
            addressed.push(self.dispatch.intake().address(self.state.source.as_ref(), row).await?);
        }
        let (source, recheck_to) = (self.state.source.id(), self.state.tracker.recheck_to());
        self.recall.remember(source, &mut addressed, recheck_to).await?;
        Ok(self.take_up_addressed(addressed, stretch, gaps, is_behind))
    }

    fn take_up_addressed(
        &self,
        addressed: Vec<Addressed>,
        stretch: &Stretch,
        gaps: Vec<RangeInclusive<Position>>,
        is_behind: bool,
    ) -> Vec<RowKind> {
        let taken = {
            let mut holes = self.state.holes.lock();
            holes.note(gaps, self.clock.now());
            let offered = addressed.iter().map(|row| offer(row, &mut holes)).collect();
            self.state.tracker.offer(stretch, offered, is_behind)
        };
        let mut untaken = Vec::new();
        for (addressed, ticket) in addressed.into_iter().zip(taken) {
            match ticket {
                Some(ticket) => self.judging.take_up(Taken {
                    state: Arc::clone(&self.state),
                    addressed,
                    ticket,
                }),
                None => untaken.extend(RowKind::of(&addressed.row)),
            }
        }
        untaken
    }

    /// Takes up events in these ranges, up to a position, that were decided about before their rows vanished, so that each is recorded as
    /// lost. What was done when a person had the source read again is not to be done again.
    pub(super) async fn take_up_vanished(
        &self,
        ranges: impl IntoIterator<Item = RangeInclusive<Position>>,
        to: Position,
    ) -> Result<(), ReadError> {
        let below = ranges.into_iter().map(|range| *range.start()..=to.min(*range.end()));
        let mut ranges: Vec<_> = below.filter(|range| !range.is_empty()).collect();
        while !ranges.is_empty() {
            let (mut vanished, left) = self.recall.vanished(self.state.source.id(), &ranges).await?;
            vanished.retain(|row| {
                row.earlier
                    .as_ref()
                    .is_none_or(|earlier| !self.state.was_done(&earlier.audit))
            });
            self.take_up_addressed(vanished, &Stretch::of_holes(), Vec::new(), false);
            ranges = left;
        }
        Ok(())
    }
}

fn offer(addressed: &Addressed, holes: &mut Holes) -> Offered {
    let position = addressed.row.position;
    Offered {
        position,
        stream: addressed.stream.clone(),
        is_sure: addressed.row.parent_rid.is_some(),
        fills_hole: holes.fill(position),
        has_vanished: addressed.earlier.as_ref().is_some_and(|earlier| !earlier.is_visible),
    }
}
