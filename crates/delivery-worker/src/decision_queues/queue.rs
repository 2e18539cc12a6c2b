//! What waits to be held against a schema.

use std::collections::VecDeque;
use std::sync::Arc;

use ig_core::event::RowPayload;

use crate::admitted_event::Taken;
use crate::decision_lookup::Earlier;
use crate::intake::Addressed;
use crate::lanes::{Budget, Kept, turn};

/// An event that waits.
pub(super) struct Waiting {
    /// The event; while its payload is away, its row has none.
    pub taken: Taken,
    payload: Place,
}

/// Where an event's payload is.
enum Place {
    /// With its row, as far as it ever had one.
    Here(Option<Kept>),
    /// In its source, from which it is read when its turn comes.
    InSource {
        /// How large it is.
        bytes: usize,
    },
    /// Nowhere: its row was deleted.
    Nowhere,
}

impl Waiting {
    /// Whether its payload has to be read again.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.payload, Place::InSource { .. })
    }

    /// Whether its row was deleted before it was read again.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.payload, Place::Nowhere)
    }

    /// Takes its row as it is now, which may be another event's; nothing where there is none.
    pub(super) fn read_again(&mut self, row: Option<Addressed>) {
        let taken = &mut self.taken.addressed;
        let earlier = taken.earlier.take();
        if let Some(row) = row {
            *taken = Addressed { earlier, ..row };
            self.payload = Place::Here(None);
        } else {
            taken.earlier = earlier.map(Earlier::vanished);
            self.payload = Place::Nowhere;
        }
    }

    fn bytes_to_read(&self) -> usize {
        match &self.payload {
            Place::InSource { bytes } => *bytes,
            Place::Here(_) | Place::Nowhere => 0,
        }
    }

    fn kept_bytes(&self) -> usize {
        match &self.payload {
            Place::Here(Some(kept)) => kept.bytes(),
            Place::Here(None) | Place::InSource { .. } | Place::Nowhere => 0,
        }
    }
}

/// The queue of one stream.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    kept: usize,
}

impl Queue {
    /// Adds an event, with its payload if there is room for it.
    pub(super) fn push(&mut self, mut taken: Taken, budget: &Arc<Budget>) {
        let bytes = taken.addressed.row.payload_bytes();
        let payload = match budget.keep(bytes, self.kept) {
            _ if bytes == 0 => Place::Here(None),
            Some(kept) => Place::Here(Some(kept)),
            None => {
                taken.addressed.row.payload = RowPayload::Missing;
                Place::InSource { bytes }
            }
        };
        let waiting = Waiting { taken, payload };
        self.kept += waiting.kept_bytes();
        self.waiting.push_back(waiting);
    }

    /// Takes the next events out.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        let count = turn(self.waiting.iter().map(Waiting::bytes_to_read));
        let taken: Vec<_> = self.waiting.drain(..count).collect();
        self.kept -= taken.iter().map(Waiting::kept_bytes).sum::<usize>();
        taken
    }
}
