//! Connections without a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The requests of one connection that are being answered. Clones are the same connection's.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    count: AtomicUsize,
    changed: Notify,
}

/// One of them.
pub(super) struct Answering(Requests);

impl Requests {
    /// Counts one, until what this answers is dropped.
    pub(super) fn begin(&self) -> Answering {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
        Answering(self.clone())
    }

    /// Waits until there was none for so long.
    pub(super) async fn none_for(&self, idle: Duration) {
        loop {
            let changed = self.0.changed.notified();
            if self.0.count.load(Ordering::Relaxed) > 0 {
                changed.await;
            } else if tokio::time::timeout(idle, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.0.changed.notify_one();
    }
}
