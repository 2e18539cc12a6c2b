//! What is known while everything that waits in a redrive is given its turn.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use ig_core::id::{IntegrationId, LogId};
use ig_core::redelivery::Queued;
use ig_core::redrive::RedriveKey;
use parking_lot::Mutex;

/// One round. An integration to which nothing is sent now is left alone for the rest of it, so that its lanes take nobody else's place.
pub(super) struct Round {
    /// The redrive.
    pub(super) key: RedriveKey,
    integrations: HashMap<LogId, IntegrationId>,
    held: Mutex<HashSet<IntegrationId>>,
    progressed: AtomicBool,
}

impl Round {
    /// A round for what waits.
    pub(super) fn of(key: RedriveKey, waiting: &[Queued]) -> Self {
        let integrations = waiting.iter().map(|queued| (queued.id, queued.lane.integration));
        Self {
            key,
            integrations: integrations.collect(),
            held: Mutex::default(),
            progressed: AtomicBool::new(false),
        }
    }

    /// Nothing is sent to a dead letter's integration now.
    pub(super) fn hold(&self, id: LogId) {
        self.held.lock().extend(self.integrations.get(&id));
    }

    /// Whether nothing is sent to a dead letter's integration now.
    pub(super) fn is_held(&self, id: LogId) -> bool {
        let held = self.held.lock();
        self.integrations
            .get(&id)
            .is_some_and(|integration| held.contains(integration))
    }

    /// A dead letter had its turn.
    pub(super) fn progress(&self) {
        self.progressed.store(true, Ordering::Relaxed);
    }

    /// Whether one had.
    pub(super) fn has_progressed(&self) -> bool {
        self.progressed.load(Ordering::Relaxed)
    }
}
