//! While limits cannot be counted: who asks is let through, and nobody waits for a database that has just not answered.

use std::time::{Duration, Instant};

use ig_core::ports::StoreError;
use metrics::counter;
use parking_lot::Mutex;

/// Counter: requests that were let through without being counted against a limit, since the database did not answer.
const UNCOUNTED: &str = "ig_rate_limits_uncounted_total";
/// How long the windows are not asked again that have not answered.
const LASTS: Duration = Duration::from_secs(5);

/// Since when limits cannot be counted, where they cannot.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    /// Whether the windows have not answered a moment ago; a request that hears so goes uncounted.
    pub(super) fn lasts(&self) -> bool {
        let lasts = self.0.lock().is_some_and(|since| since.elapsed() < LASTS);
        if lasts {
            counter!(UNCOUNTED).increment(1);
        }
        lasts
    }

    /// A request goes uncounted. A window that the database refuses to count says nothing about the others.
    pub(super) fn missed(&self, error: &StoreError) {
        counter!(UNCOUNTED).increment(1);
        if matches!(error, StoreError::Refused(_)) {
            tracing::warn!(%error, "a rate limit cannot be counted; a request is let through uncounted");
            return;
        }
        if self.0.lock().replace(Instant::now()).is_none() {
            tracing::warn!(%error, "rate limits cannot be counted; requests are let through uncounted");
        }
    }

    /// The windows have answered.
    pub(super) fn ends(&self) {
        if self.0.lock().take().is_some() {
            tracing::info!("rate limits are counted again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_not_asked_again_for_a_while_after_they_have_not_answered() {
        let outage = Outage::default();
        assert!(!outage.lasts());
        outage.missed(&StoreError::Unavailable("away".to_owned()));
        assert!(outage.lasts());
        outage.ends();
        assert!(!outage.lasts());
    }

    #[test]
    fn one_window_that_cannot_be_counted_turns_no_other_limit_off() {
        let outage = Outage::default();
        outage.missed(&StoreError::Refused("its document cannot be understood".to_owned()));
        assert!(!outage.lasts());
    }
}
