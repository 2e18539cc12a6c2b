//! How late an occurrence may be delivered.

use std::time::Duration;

use crate::clock::Timestamp;

/// How late an occurrence may be and still be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxOverdue(pub Duration);

impl Default for MaxOverdue {
    /// A day.
    fn default() -> Self {
        Self(Duration::from_hours(24))
    }
}

/// Whether a waiting row is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeliness {
    /// It is due after this time.
    NotDue(Duration),
    /// Deliver it.
    Due,
    /// Cancel it for this reason; its series continues with the next occurrence that is not overdue.
    Overdue(String),
}

impl MaxOverdue {
    /// The earliest time that may still be delivered.
    pub fn earliest(self, now: Timestamp) -> Timestamp {
        let late = chrono::TimeDelta::from_std(self.0).ok();
        late.and_then(|late| now.checked_sub_signed(late))
            .unwrap_or(Timestamp::MIN_UTC)
    }

    /// Whether a row that is due at a time may still be delivered.
    pub fn timeliness(self, due_at: Timestamp, now: Timestamp) -> Timeliness {
        let late = now.signed_duration_since(due_at);
        match late.to_std() {
            Err(_) => Timeliness::NotDue(due_at.signed_duration_since(now).to_std().unwrap_or_default()),
            Ok(late) if late > self.0 => Timeliness::Overdue(format!(
                "It was due {} s ago, which is more than the {} s that it may be late.",
                late.as_secs(),
                self.0.as_secs()
            )),
            Ok(_) => Timeliness::Due,
        }
    }
}
