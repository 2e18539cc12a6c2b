//! Polls conditions instead of sleeping.

use std::time::{Duration, Instant};

/// The default timeout of a condition, which no passing test reaches, even on a slow machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Polls a condition until it holds.
///
/// # Panics
/// If it does not hold within [`PATIENCE`]; `what` names the condition.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

/// Polls a condition until it holds, up to `patience`.
///
/// # Panics
/// If it does not hold in time; `what` names the condition.
pub async fn eventually_within(patience: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < patience, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
