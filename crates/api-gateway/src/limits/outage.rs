//! An outage of the windows: requests pass uncounted, and none waits for a database that has just failed to answer.

use std::time::{Duration, Instant};

use ig_core::ports::StoreError;
use metrics::counter;
use parking_lot::Mutex;

/// Counter: requests that passed uncounted because the database did not answer.
const UNCOUNTED: &str = "ig_rate_limits_uncounted_total";
/// How long the windows are left alone after they have failed to answer.
const COOLDOWN: Duration = Duration::from_secs(5);

/// When the outage began, while there is one.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    /// Whether the windows failed to answer a moment ago; if so, this request goes uncounted.
    pub(super) fn is_ongoing(&self) -> bool {
        let is_ongoing = self.0.lock().is_some_and(|since| since.elapsed() < COOLDOWN);
        if is_ongoing {
            counter!(UNCOUNTED).increment(1);
        }
        is_ongoing
    }

    /// Records an uncounted request. A window that the database refuses to count says nothing about the others.
    pub(super) fn record_uncounted(&self, error: &StoreError) {
        counter!(UNCOUNTED).increment(1);
        if matches!(error, StoreError::Refused(_)) {
            tracing::warn!(%error, "a rate limit cannot be counted; a request is let through uncounted");
            return;
        }
        if self.0.lock().replace(Instant::now()).is_none() {
            tracing::warn!(%error, "rate limits cannot be counted; requests are let through uncounted");
        }
    }

    /// The windows have answered again.
    pub(super) fn end(&self) {
        if self.0.lock().take().is_some() {
            tracing::info!("rate limits are counted again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_keeps_windows_from_being_asked_for_a_while() {
        let outage = Outage::default();
        assert!(!outage.is_ongoing());
        outage.record_uncounted(&StoreError::Unavailable("away".to_owned()));
        assert!(outage.is_ongoing());
        outage.end();
        assert!(!outage.is_ongoing());
    }

    #[test]
    fn outage_does_not_begin_when_a_single_window_cannot_be_counted() {
        let outage = Outage::default();
        outage.record_uncounted(&StoreError::Refused("its document cannot be understood".to_owned()));
        assert!(!outage.is_ongoing());
    }
}
