//! An event that is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ig_core::id::Position;
use ig_core::stream::Stream;

use super::Tracker;
use crate::held_lease::{Tenure, Working};

/// An event that was taken up; it is done when all that it caused is durable.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<TicketState>);

#[derive(Debug)]
struct TicketState {
    tracker: Arc<Tracker>,
    tenure: Arc<Tenure>,
    stream: Stream,
    position: Position,
    recheck: bool,
    open: AtomicUsize,
}

/// One more delivery that an event has waiting, until it is dropped.
#[derive(Debug)]
pub(crate) struct Load(Ticket);

impl Drop for Load {
    fn drop(&mut self) {
        let Ticket(state) = &self.0;
        state.tracker.unload(&state.tenure, &state.stream);
    }
}

impl Ticket {
    /// A ticket with one part that has to be durable.
    pub(super) fn new(tracker: &Arc<Tracker>, tenure: &Arc<Tenure>, stream: Stream, position: Position, recheck: bool) -> Self {
        Self(Arc::new(TicketState {
            tracker: Arc::clone(tracker),
            tenure: Arc::clone(tenure),
            stream,
            position,
            recheck,
            open: AtomicUsize::new(1),
        }))
    }

    /// Announces so many further parts that have to be durable.
    pub(crate) fn expect(&self, parts: usize) {
        self.0.open.fetch_add(parts, Ordering::Relaxed);
    }

    /// Counts one more delivery that waits for the event's sake. The first one comes with the event itself.
    pub(crate) fn load(&self) -> Load {
        self.0.tracker.load(&self.0.tenure, &self.0.stream);
        Load(self.clone())
    }

    /// One part is durable; with the last one the event is done.
    pub(crate) fn part_done(&self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.tracker.finish(&self.0.tenure, &self.0.stream, self.0.position);
        }
    }

    /// Whether the event may still be worked on.
    pub(crate) fn holds(&self) -> bool {
        self.0.tenure.holds()
    }

    /// Begins to work on it; nothing where its partition is about to be given back, or is lost.
    pub(crate) fn begin_work(&self) -> Option<Working> {
        self.0.tenure.begin_work()
    }

    /// Its place in its source.
    pub(crate) fn position(&self) -> Position {
        self.0.position
    }

    /// Whether an earlier holder may have delivered it.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.0.recheck
    }
}
