//! The queue of a lane.

use std::collections::VecDeque;
use std::sync::Arc;

use ig_core::event::Event;
use ig_core::integration::Ordering;

use super::budget::{MemoryBudget, MemoryReservation, batch_size};
use crate::compiled_integration::CompiledIntegration;
use crate::decided_event::{DecidedEvent, EventGone};
use crate::reader::SourceState;
use crate::tracker::{ExtraDelivery, Ticket};

/// What an event does in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemPurpose {
    /// The integration receives it, now or later.
    Deliver,
    /// It cancels pending deliveries.
    Cancel,
}

/// One event for one integration.
pub(crate) struct LaneItem {
    /// The source, from which the event can be read again.
    pub state: Arc<SourceState>,
    /// The event's share of its partition's progress.
    pub ticket: Ticket,
    /// The integration as it was when the event was matched.
    pub compiled: Arc<CompiledIntegration>,
    /// The event without its payload.
    pub decided: Arc<DecidedEvent>,
    /// What the event does here.
    pub purpose: ItemPurpose,
    location: EventLocation,
    _extra_delivery: Option<ExtraDelivery>,
}

/// Where an event's payload is.
enum EventLocation {
    /// In memory.
    InMemory(Arc<Event>, MemoryReservation),
    /// In its source; it is read again with its batch.
    InSource {
        /// Its size.
        bytes: usize,
    },
    /// Nowhere: the event is gone.
    Unavailable(EventGone),
}

impl LaneItem {
    /// An item whose event is given when it is queued.
    pub(crate) fn new(
        state: Arc<SourceState>,
        ticket: Ticket,
        compiled: Arc<CompiledIntegration>,
        decided: Arc<DecidedEvent>,
    ) -> Self {
        Self {
            state,
            ticket,
            compiled,
            decided,
            purpose: ItemPurpose::Deliver,
            location: EventLocation::InSource { bytes: 0 },
            _extra_delivery: None,
        }
    }

    /// Counts the item as a delivery beyond its event's first.
    pub(crate) fn into_extra_delivery(self) -> Self {
        Self {
            _extra_delivery: Some(self.ticket.count_delivery()),
            ..self
        }
    }

    /// Makes the item only cancel pending deliveries.
    pub(crate) fn into_cancellation(self) -> Self {
        Self {
            purpose: ItemPurpose::Cancel,
            ..self
        }
    }

    /// The event, or why it is gone; none if it has to be read again.
    pub(crate) fn event(&self) -> Option<Result<Arc<Event>, EventGone>> {
        match &self.location {
            EventLocation::InMemory(event, _) => Some(Ok(Arc::clone(event))),
            EventLocation::InSource { .. } => None,
            EventLocation::Unavailable(gone) => Some(Err(gone.clone())),
        }
    }

    fn reserved_bytes(&self) -> usize {
        match &self.location {
            EventLocation::InMemory(_, reservation) => reservation.bytes(),
            EventLocation::InSource { .. } | EventLocation::Unavailable(_) => 0,
        }
    }

    fn bytes_to_reload(&self) -> usize {
        match &self.location {
            EventLocation::InSource { bytes } => *bytes,
            EventLocation::InMemory(..) | EventLocation::Unavailable(_) => 0,
        }
    }

    /// How the integration orders its deliveries.
    pub(crate) fn ordering(&self) -> Ordering {
        self.compiled.integration.ordering
    }
}

/// The queue of one lane.
#[derive(Default)]
pub(super) struct LaneQueue {
    waiting: VecDeque<LaneItem>,
    reserved: usize,
}

impl LaneQueue {
    /// Adds an event, with its payload if the budget allows.
    pub(super) fn push(&mut self, mut item: LaneItem, event: Result<Arc<Event>, EventGone>, budget: &Arc<MemoryBudget>) {
        item.location = match event {
            Ok(event) => {
                let bytes = event.payload.raw.len();
                match budget.reserve(bytes, self.reserved) {
                    Some(reservation) => EventLocation::InMemory(event, reservation),
                    None => EventLocation::InSource { bytes },
                }
            }
            Err(gone) => EventLocation::Unavailable(gone),
        };
        self.reserved += item.reserved_bytes();
        self.waiting.push_back(item);
    }

    /// Takes out the next events.
    pub(super) fn next_batch(&mut self) -> Vec<LaneItem> {
        let count = batch_size(self.waiting.iter().map(LaneItem::bytes_to_reload));
        let batch: Vec<_> = self.waiting.drain(..count).collect();
        self.reserved -= batch.iter().map(LaneItem::reserved_bytes).sum::<usize>();
        batch
    }
}
