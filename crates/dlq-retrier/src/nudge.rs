//! Wakes a loop before its timer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A wake-up of one loop; nudges while it does not wait count as one. Clones wake the same loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// Wakes the loop.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge, the timeout or the stop.
    pub(crate) async fn wait_up_to(&self, time: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.0.notified() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}
