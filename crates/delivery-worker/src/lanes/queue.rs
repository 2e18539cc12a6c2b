//! What waits in a lane.

use std::collections::VecDeque;
use std::sync::Arc;

use ig_core::event::Event;
use ig_core::integration::Ordering;

use super::budget::{Budget, Kept, turn};
use crate::compiled::CompiledIntegration;
use crate::decided_event::{Decided, Gone};
use crate::reader::SourceState;
use crate::tracker::{Load, Ticket};

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
    /// What is known of the event in any case.
    pub decided: Arc<Decided>,
    /// What the event is for here.
    pub purpose: Purpose,
    content: Content,
    _load: Option<Load>,
}

/// Where an event's payload is.
enum Content {
    /// In memory.
    Kept(Arc<Event>, Kept),
    /// In its source, from which it is read when its turn comes.
    InSource {
        /// How large it is.
        bytes: usize,
    },
    /// Nowhere.
    Gone(Gone),
}

impl Work {
    /// Work whose event is given when it is queued.
    pub(crate) fn new(
        state: Arc<SourceState>,
        ticket: Ticket,
        compiled: Arc<CompiledIntegration>,
        decided: Arc<Decided>,
    ) -> Self {
        Self {
            state,
            ticket,
            compiled,
            decided,
            purpose: Purpose::Deliver,
            content: Content::InSource { bytes: 0 },
            _load: None,
        }
    }

    /// The same, counted as one more delivery of its event.
    pub(crate) fn counted(self) -> Self {
        Self {
            _load: Some(self.ticket.load()),
            ..self
        }
    }

    /// The same, but that the event only calls off what is pending.
    pub(crate) fn calling_off(self) -> Self {
        Self {
            purpose: Purpose::CallOff,
            ..self
        }
    }

    /// The event, or why it is gone; nothing where it is to be read again.
    pub(crate) fn event(&self) -> Option<Result<Arc<Event>, Gone>> {
        match &self.content {
            Content::Kept(event, _) => Some(Ok(Arc::clone(event))),
            Content::InSource { .. } => None,
            Content::Gone(gone) => Some(Err(gone.clone())),
        }
    }

    fn kept_bytes(&self) -> usize {
        match &self.content {
            Content::Kept(_, kept) => kept.bytes(),
            Content::InSource { .. } | Content::Gone(_) => 0,
        }
    }

    fn bytes_to_read(&self) -> usize {
        match &self.content {
            Content::InSource { bytes } => *bytes,
            Content::Kept(..) | Content::Gone(_) => 0,
        }
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
    pub(super) fn push(&mut self, mut work: Work, event: Result<Arc<Event>, Gone>, budget: &Arc<Budget>) {
        work.content = match event {
            Ok(event) => {
                let bytes = event.payload.raw.len();
                match budget.keep(bytes, self.kept) {
                    Some(kept) => Content::Kept(event, kept),
                    None => Content::InSource { bytes },
                }
            }
            Err(gone) => Content::Gone(gone),
        };
        self.kept += work.kept_bytes();
        self.waiting.push_back(work);
    }

    /// Takes the next events out.
    pub(super) fn take(&mut self) -> Vec<Work> {
        let count = turn(self.waiting.iter().map(Work::bytes_to_read));
        let taken: Vec<_> = self.waiting.drain(..count).collect();
        self.kept -= taken.iter().map(Work::kept_bytes).sum::<usize>();
        taken
    }
}
