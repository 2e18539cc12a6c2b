//! What wakes the scheduler before its timer does.

use std::sync::Arc;

use ig_core::clock::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Wishes that it look: of any number, the earliest counts. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wake(Arc<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    earliest: Mutex<Option<Timestamp>>,
    notify: Notify,
}

impl Wake {
    /// Something is due then, which may not be known yet.
    pub(crate) fn at(&self, at: Timestamp) {
        let mut earliest = self.0.earliest.lock();
        *earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        self.0.notify.notify_one();
    }

    /// There may be something to do without anything new being due.
    pub(crate) fn now(&self) {
        self.0.notify.notify_one();
    }

    /// The earliest wish, which is granted with this.
    pub(crate) fn take(&self) -> Option<Timestamp> {
        self.0.earliest.lock().take()
    }

    /// Waits for a wish.
    pub(crate) async fn wished(&self) {
        self.0.notify.notified().await;
    }
}
