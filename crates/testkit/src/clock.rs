//! A clock that only a test moves.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use ig_core::clock::{Clock, Timestamp};
use parking_lot::Mutex;

/// A manual clock; clones share the time.
#[derive(Debug, Clone)]
pub struct HeldClock(Arc<Mutex<Timestamp>>);

impl Default for HeldClock {
    fn default() -> Self {
        Self::at(moment(0))
    }
}

impl HeldClock {
    /// A clock that starts at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock() += by;
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock() = now;
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// The time `second` seconds after noon of 1 January 2026 (UTC).
///
/// # Panics
/// If the time is outside the calendar's range.
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
    fn held_clock_moves_only_by_hand_and_for_all_clones() {
        let clock = HeldClock::default();
        let clone = clock.clone();
        assert_eq!(clone.now().to_rfc3339(), "2026-01-01T12:00:00+00:00");
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clone.now() - moment(0), chrono::TimeDelta::milliseconds(1500));
    }
}
