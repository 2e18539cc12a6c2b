//! An event in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ig_core::id::Position;
use ig_core::stream::Stream;

use super::Tracker;
use crate::local_lease::{LocalLease, WorkGuard};

/// An event that was admitted; it is done when all that it caused is durable.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<TicketState>);

#[derive(Debug)]
struct TicketState {
    tracker: Arc<Tracker>,
    lease: Arc<LocalLease>,
    stream: Stream,
    position: Position,
    recheck: bool,
    open_parts: AtomicUsize,
}

/// A delivery of an event beyond its first; it counts until dropped.
#[derive(Debug)]
pub(crate) struct ExtraDelivery(Ticket);

impl Drop for ExtraDelivery {
    fn drop(&mut self) {
        let Ticket(state) = &self.0;
        state.tracker.remove_delivery(&state.lease, &state.stream);
    }
}

impl Ticket {
    /// A ticket with one open part.
    pub(super) fn new(
        tracker: &Arc<Tracker>,
        lease: &Arc<LocalLease>,
        stream: Stream,
        position: Position,
        recheck: bool,
    ) -> Self {
        Self(Arc::new(TicketState {
            tracker: Arc::clone(tracker),
            lease: Arc::clone(lease),
            stream,
            position,
            recheck,
            open_parts: AtomicUsize::new(1),
        }))
    }

    /// Adds parts that have to become durable.
    pub(crate) fn add_parts(&self, parts: usize) {
        self.0.open_parts.fetch_add(parts, Ordering::Relaxed);
    }

    /// Counts a delivery beyond the event's first, which counts with the event.
    pub(crate) fn count_delivery(&self) -> ExtraDelivery {
        self.0.tracker.add_delivery(&self.0.lease, &self.0.stream);
        ExtraDelivery(self.clone())
    }

    /// One part is durable; with the last one the event is done.
    pub(crate) fn part_done(&self) {
        if self.0.open_parts.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.tracker.finish(&self.0.lease, &self.0.stream, self.0.position);
        }
    }

    /// Whether the event may still be worked on.
    pub(crate) fn is_valid(&self) -> bool {
        self.0.lease.is_valid()
    }

    /// Begins a piece of work on it, unless its partition is closing or lost.
    pub(crate) fn begin_work(&self) -> Option<WorkGuard> {
        self.0.lease.begin_work()
    }

    /// Its position in its source.
    pub(crate) fn position(&self) -> Position {
        self.0.position
    }

    /// Whether an earlier holder may have delivered it.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.0.recheck
    }
}
