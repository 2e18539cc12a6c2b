//! The decision queue of one stream.

use std::collections::VecDeque;
use std::sync::Arc;

use ig_core::event::RowPayload;

use crate::admitted_event::AdmittedEvent;
use crate::decision_lookup::EarlierDecision;
use crate::intake::ResolvedRow;
use crate::lanes::{MemoryBudget, MemoryReservation, batch_size};

/// An event that waits for its decision.
pub(super) struct QueuedEvent {
    /// The event; its row has no payload while that is in the source.
    pub admitted: AdmittedEvent,
    payload: PayloadLocation,
}

/// Where an event's payload is.
enum PayloadLocation {
    /// In its row, if the row ever had one.
    InMemory(Option<MemoryReservation>),
    /// In its source; it is read again with the event's batch.
    InSource {
        /// Its size.
        bytes: usize,
    },
    /// Its row was deleted.
    Deleted,
}

impl QueuedEvent {
    /// Whether its payload has to be read again.
    pub(super) fn needs_reload(&self) -> bool {
        matches!(self.payload, PayloadLocation::InSource { .. })
    }

    /// Whether its row was deleted before it was read again.
    pub(super) fn is_deleted(&self) -> bool {
        matches!(self.payload, PayloadLocation::Deleted)
    }

    /// Replaces its row by the one read now, which may be another event's; none means that the row is gone.
    pub(super) fn reload(&mut self, row: Option<ResolvedRow>) {
        let resolved = &mut self.admitted.resolved;
        let earlier = resolved.earlier.take();
        if let Some(row) = row {
            *resolved = ResolvedRow { earlier, ..row };
            self.payload = PayloadLocation::InMemory(None);
        } else {
            resolved.earlier = earlier.map(EarlierDecision::without_row);
            self.payload = PayloadLocation::Deleted;
        }
    }

    fn bytes_to_reload(&self) -> usize {
        match &self.payload {
            PayloadLocation::InSource { bytes } => *bytes,
            PayloadLocation::InMemory(_) | PayloadLocation::Deleted => 0,
        }
    }

    fn reserved_bytes(&self) -> usize {
        match &self.payload {
            PayloadLocation::InMemory(Some(reservation)) => reservation.bytes(),
            PayloadLocation::InMemory(None) | PayloadLocation::InSource { .. } | PayloadLocation::Deleted => 0,
        }
    }
}

/// The queue of one stream.
#[derive(Default)]
pub(super) struct DecisionQueue {
    waiting: VecDeque<QueuedEvent>,
    reserved: usize,
}

impl DecisionQueue {
    /// Adds an event, with its payload if the budget allows.
    pub(super) fn push(&mut self, mut admitted: AdmittedEvent, budget: &Arc<MemoryBudget>) {
        let bytes = admitted.resolved.row.payload_bytes();
        let payload = match budget.reserve(bytes, self.reserved) {
            _ if bytes == 0 => PayloadLocation::InMemory(None),
            Some(reservation) => PayloadLocation::InMemory(Some(reservation)),
            None => {
                admitted.resolved.row.payload = RowPayload::Missing;
                PayloadLocation::InSource { bytes }
            }
        };
        let queued = QueuedEvent { admitted, payload };
        self.reserved += queued.reserved_bytes();
        self.waiting.push_back(queued);
    }

    /// Takes out the next events.
    pub(super) fn next_batch(&mut self) -> Vec<QueuedEvent> {
        let count = batch_size(self.waiting.iter().map(QueuedEvent::bytes_to_reload));
        let batch: Vec<_> = self.waiting.drain(..count).collect();
        self.reserved -= batch.iter().map(QueuedEvent::reserved_bytes).sum::<usize>();
        batch
    }
}
