//! Time comes in from outside, so that laws can be tested at any hour.

use chrono::{DateTime, Utc};

/// A moment, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}
