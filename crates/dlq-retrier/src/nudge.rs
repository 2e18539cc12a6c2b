//! What wakes a loop before its time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Wakes whoever waits; any number of nudges while nobody does make one. Clones wake the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge, the time, or the stop.
    pub(crate) async fn or_after(&self, time: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.0.notified() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}
