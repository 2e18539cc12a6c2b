//! The shutdown of the process.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio_util::sync::CancellationToken;

/// The one shutdown that all services of a process share.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    failed: Arc<AtomicBool>,
}

impl Stop {
    /// A shutdown that has not been requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests an orderly shutdown.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Requests an orderly shutdown with a failing exit code.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.request();
    }

    /// Waits for the request.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Whether the shutdown has been requested.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Whether the exit code is a failure.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}
