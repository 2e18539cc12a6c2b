//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use ig_core::clock::{Clock, Timestamp};
use parking_lot::Mutex;

/// A clock in the hand of a test; its clones show the same time.
#[derive(Debug, Clone)]
pub struct HeldClock(Arc<Mutex<Timestamp>>);

impl Default for HeldClock {
    fn default() -> Self {
        Self::at(moment(0))
    }
}

impl HeldClock {
    /// A clock that shows this moment.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock() += by;
    }

    /// Sets it, forward or back.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock() = now;
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// So many seconds after noon of the first of January 2026 (UTC).
///
/// # Panics
/// When that is beyond the calendar.
pub fn moment(second: i64) -> Timestamp {
    const NOON: i64 = 1_767_268_800;
    Utc.timestamp_opt(NOON + second, 0)
        .single()
        .expect("a second within the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_by_hand_and_for_all_its_clones() {
        let clock = HeldClock::default();
        let clone = clock.clone();
        assert_eq!(clone.now().to_rfc3339(), "2026-01-01T12:00:00+00:00");
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clone.now() - moment(0), chrono::TimeDelta::milliseconds(1500));
    }
}
