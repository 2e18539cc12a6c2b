//! The request to end the process.

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
    /// A shutdown that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for an orderly end.
    pub fn request(&self) {
        self.token.cancel();
    }

    /// Asks for an orderly end with a failing exit code.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.request();
    }

    /// Waits until somebody asks.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Whether the end is a failure.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}
