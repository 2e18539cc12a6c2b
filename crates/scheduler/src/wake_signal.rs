//! Wakes the poller before its timer.

use std::sync::Arc;

use ig_core::clock::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A wake-up of the poller, which keeps the earliest due time of many signals. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct WakeSignal(Arc<State>);

#[derive(Debug, Default)]
struct State {
    earliest: Mutex<Option<Timestamp>>,
    notify: Notify,
}

impl WakeSignal {
    /// Signals that a row is due at `at`, which the poller may not know yet.
    pub(crate) fn signal_at(&self, at: Timestamp) {
        let mut earliest = self.0.earliest.lock();
        *earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        self.0.notify.notify_one();
    }

    /// Wakes the poller without a new due time.
    pub(crate) fn signal(&self) {
        self.0.notify.notify_one();
    }

    /// Takes the earliest signalled due time.
    pub(crate) fn take_earliest(&self) -> Option<Timestamp> {
        self.0.earliest.lock().take()
    }

    /// Waits for a signal.
    pub(crate) async fn notified(&self) {
        self.0.notify.notified().await;
    }
}
