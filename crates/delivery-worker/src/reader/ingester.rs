//! Ingests rows that were read: resolves their tenants, attaches earlier decisions, admits them into held partitions and submits them for
//! decision.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ig_core::audit::SkipReason;
use ig_core::clock::Clock;
use ig_core::event::SourceRow;
use ig_core::gap_tracker::GapTracker;
use ig_core::id::Position;
use ig_core::ports::{SourceError, StoreError};
use ig_core::read_cursors::ReadRange;
use ig_core::stream::RowKind;

use super::SourceState;
use crate::admitted_event::AdmittedEvent;
use crate::decision_lookup::DecisionLookup;
use crate::decision_queues::DecisionQueues;
use crate::dispatcher::Dispatcher;
use crate::intake::ResolvedRow;
use crate::tracker::CandidateRow;

/// Why reading a source failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The source was not read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Earlier decisions were not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Ingests rows of one source. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ingester {
    state: Arc<SourceState>,
    dispatcher: Arc<Dispatcher>,
    decision_queues: Arc<DecisionQueues>,
    decision_lookup: DecisionLookup,
    clock: Arc<dyn Clock>,
}

impl Ingester {
    /// Submits admitted events to `decision_queues`.
    pub(crate) fn new(
        state: Arc<SourceState>,
        decision_queues: Arc<DecisionQueues>,
        decision_lookup: DecisionLookup,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            state,
            dispatcher: Arc::clone(decision_queues.dispatcher()),
            decision_queues,
            decision_lookup,
            clock,
        }
    }

    /// The source with its state.
    pub(crate) fn state(&self) -> &Arc<SourceState> {
        &self.state
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Records that the source cannot be read as it is configured.
    pub(super) fn record_source_audit(&self, detail: &str) {
        self.dispatcher
            .record_source_audit(self.state.source.id(), SkipReason::SourceMisconfigured, detail);
    }

    /// Ingests the due rows of a range and returns the kinds of the others. All that may fail comes first: once the first row is
    /// admitted, nothing fails.
    pub(super) async fn ingest(
        &self,
        rows: Vec<SourceRow>,
        range: &ReadRange,
        gaps: Vec<RangeInclusive<Position>>,
        has_more: bool,
    ) -> Result<Vec<RowKind>, ReadError> {
        let mut resolved = Vec::with_capacity(rows.len());
        for row in rows {
            let row = self.state.with_event_id(row);
            resolved.push(self.dispatcher.intake().resolve(self.state.source.as_ref(), row).await?);
        }
        let (source, recheck_to) = (self.state.source.id(), self.state.tracker.recheck_to());
        self.decision_lookup.attach_earlier(source, &mut resolved, recheck_to).await?;
        Ok(self.admit_and_submit(resolved, range, gaps, has_more))
    }

    fn admit_and_submit(
        &self,
        resolved: Vec<ResolvedRow>,
        range: &ReadRange,
        gaps: Vec<RangeInclusive<Position>>,
        has_more: bool,
    ) -> Vec<RowKind> {
        let tickets = {
            let mut gap_tracker = self.state.gap_tracker.lock();
            gap_tracker.watch(gaps, self.clock.now());
            let candidates = resolved.iter().map(|row| to_candidate(row, &mut gap_tracker)).collect();
            self.state.tracker.admit(range, candidates, has_more)
        };
        let mut not_admitted = Vec::new();
        for (resolved, ticket) in resolved.into_iter().zip(tickets) {
            match ticket {
                Some(ticket) => self.decision_queues.submit(AdmittedEvent {
                    state: Arc::clone(&self.state),
                    resolved,
                    ticket,
                }),
                None => not_admitted.extend(RowKind::of(&resolved.row)),
            }
        }
        not_admitted
    }

    /// Ingests events in these ranges, up to a position, whose rows vanished after they were decided about, so that each is recorded as
    /// lost. Events that were done before a rewind are left out.
    pub(super) async fn ingest_vanished(
        &self,
        ranges: impl IntoIterator<Item = RangeInclusive<Position>>,
        to: Position,
    ) -> Result<(), ReadError> {
        let below = ranges.into_iter().map(|range| *range.start()..=to.min(*range.end()));
        let mut ranges: Vec<_> = below.filter(|range| !range.is_empty()).collect();
        while !ranges.is_empty() {
            let (mut vanished, remaining) = self.decision_lookup.vanished_rows(self.state.source.id(), &ranges).await?;
            vanished.retain(|row| {
                row.earlier
                    .as_ref()
                    .is_none_or(|earlier| !self.state.was_done(&earlier.audit))
            });
            self.admit_and_submit(vanished, &ReadRange::of_gaps(), Vec::new(), false);
            ranges = remaining;
        }
        Ok(())
    }
}

fn to_candidate(resolved: &ResolvedRow, gap_tracker: &mut GapTracker) -> CandidateRow {
    let position = resolved.row.position;
    CandidateRow {
        position,
        stream: resolved.stream.clone(),
        names_org: resolved.row.parent_rid.is_some(),
        fills_gap: gap_tracker.fill(position),
        has_vanished: resolved.earlier.as_ref().is_some_and(|earlier| !earlier.is_visible),
    }
}
