//! Waiting for a condition instead of sleeping.

use std::time::{Duration, Instant};

/// How long a condition is waited for: far longer than it ever takes on a machine that is not on fire.
pub const PATIENCE: Duration = Duration::from_mins(1);

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks at a condition until it holds.
///
/// # Panics
/// When it does not within [`PATIENCE`]; `what` says what was waited for.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

/// Looks at a condition until it holds, for so long.
///
/// # Panics
/// When it does not within `patience`; `what` says what was waited for.
pub async fn eventually_within(patience: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < patience, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
