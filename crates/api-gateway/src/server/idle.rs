//! Idle connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The requests in flight on one connection; clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(Arc<RequestCount>);

#[derive(Debug, Default)]
struct RequestCount {
    count: AtomicUsize,
    changed: Notify,
}

/// A request in flight.
pub(super) struct RequestGuard(Requests);

impl Requests {
    /// Counts a request until the returned guard is dropped.
    pub(super) fn begin(&self) -> RequestGuard {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
        RequestGuard(self.clone())
    }

    /// Waits until no request has been in flight for the given time.
    pub(super) async fn idle_for(&self, idle: Duration) {
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

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.0.changed.notify_one();
    }
}
