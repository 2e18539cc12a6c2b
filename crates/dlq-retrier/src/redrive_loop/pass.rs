//! The state of one pass over the waiting dead letters of a redrive.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use ig_core::dead_letter_retry::QueuedDeadLetter;
use ig_core::id::{IntegrationId, LogId};
use ig_core::redrive::RedriveKey;
use parking_lot::Mutex;

/// One pass. It skips an integration whose deliveries are held, so that its lanes do not delay others.
pub(super) struct Pass {
    /// The redrive.
    pub(super) key: RedriveKey,
    integrations: HashMap<LogId, IntegrationId>,
    skipped: Mutex<HashSet<IntegrationId>>,
    progressed: AtomicBool,
}

impl Pass {
    /// A pass over `waiting`.
    pub(super) fn of(key: RedriveKey, waiting: &[QueuedDeadLetter]) -> Self {
        let integrations = waiting.iter().map(|queued| (queued.id, queued.lane.integration));
        Self {
            key,
            integrations: integrations.collect(),
            skipped: Mutex::default(),
            progressed: AtomicBool::new(false),
        }
    }

    /// Skips the dead letter's integration for the rest of the pass.
    pub(super) fn skip_integration(&self, id: LogId) {
        self.skipped.lock().extend(self.integrations.get(&id));
    }

    /// Whether the dead letter's integration is skipped.
    pub(super) fn is_skipped(&self, id: LogId) -> bool {
        let skipped = self.skipped.lock();
        self.integrations
            .get(&id)
            .is_some_and(|integration| skipped.contains(integration))
    }

    /// Records that a dead letter was processed.
    pub(super) fn mark_progressed(&self) {
        self.progressed.store(true, Ordering::Relaxed);
    }

    /// Whether any dead letter was processed.
    pub(super) fn has_progressed(&self) -> bool {
        self.progressed.load(Ordering::Relaxed)
    }
}
