//! What waits in a lane.

use std::collections::VecDeque;
use std::sync::Arc;

use ig_core::event::Event;
use ig_core::integration::Ordering;

use super::budget::{Budget, Kept};
use crate::compiled::CompiledIntegration;
use crate::event_trace::EventTrace;
use crate::reader::SourceState;
use crate::tracker::Ticket;

/// What an event is for in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The integration gets it, now or later.
    Deliver,
    /// It calls off what earlier ones have pending.
    CallOff,
}

/// One event that one integration is to get.
pub(crate) struct Work {
    /// Where the event can be read again.
    pub state: Arc<SourceState>,
    /// The event's share in its partition's progress.
    pub ticket: Ticket,
    /// The integration as it was when the event was matched.
    pub compiled: Arc<CompiledIntegration>,
    /// The trace that the event belongs to.
    pub trace: EventTrace,
    /// What the event is for here.
    pub purpose: Purpose,
    event: Option<(Arc<Event>, Kept)>,
}

impl Work {
    /// Work whose event is given when it is queued.
    pub(crate) fn new(state: Arc<SourceState>, ticket: Ticket, compiled: Arc<CompiledIntegration>, trace: EventTrace) -> Self {
        Self {
            state,
            ticket,
            compiled,
            trace,
            purpose: Purpose::Deliver,
            event: None,
        }
    }

    /// The same, but that the event only calls off what is pending.
    pub(crate) fn calling_off(self) -> Self {
        Self {
            purpose: Purpose::CallOff,
            ..self
        }
    }

    /// The event, where it was kept in memory.
    pub(crate) fn event(&self) -> Option<Arc<Event>> {
        self.event.as_ref().map(|(event, _)| Arc::clone(event))
    }

    /// How the integration wants its deliveries ordered.
    pub(crate) fn ordering(&self) -> Ordering {
        self.compiled.integration.ordering
    }
}

/// The queue of one lane.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Work>,
    kept: usize,
}

impl Queue {
    /// Adds an event, with its payload if there is room for it.
    pub(super) fn push(&mut self, mut work: Work, event: Arc<Event>, budget: &Arc<Budget>) {
        if let Some(kept) = budget.keep(event.payload.raw.len(), self.kept) {
            self.kept += kept.bytes();
            work.event = Some((event, kept));
        }
        self.waiting.push_back(work);
    }

    /// Takes the next events out.
    pub(super) fn take(&mut self, most: usize) -> Vec<Work> {
        let count = most.min(self.waiting.len());
        let taken: Vec<_> = self.waiting.drain(..count).collect();
        let bytes: usize = taken
            .iter()
            .filter_map(|work| work.event.as_ref())
            .map(|(_, kept)| kept.bytes())
            .sum();
        self.kept -= bytes;
        taken
    }
}
