//! What people ask about scheduled deliveries.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::id::{OrgId, ScheduledId};
use crate::schedule::{Due, Schedule, Scheduling, Zone};

/// How many occurrences are shown at the most.
pub const MOST_SHOWN: usize = 100;

/// That a delivery be called off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// The tenant.
    pub org_id: OrgId,
    /// Which one.
    pub id: ScheduledId,
    /// Why, for people.
    pub reason: String,
}

/// That a delivery be made at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reschedule {
    /// The tenant.
    pub org_id: OrgId,
    /// Which one.
    pub id: ScheduledId,
    /// Its new time.
    pub at: Timestamp,
}

/// When a schedule would have deliveries made.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The schedule.
    pub schedule: Schedule,
    /// What the event would carry.
    pub payload: Value,
    /// How many times are wanted, up to [`MOST_SHOWN`].
    pub count: usize,
    /// The tenant's zone.
    pub zone: Zone,
    /// When the event would come; now where absent.
    pub event_at: Option<Timestamp>,
}

impl Preview {
    /// The times, ascending; an error is a sentence that a tenant may read.
    pub fn times(&self, now: Timestamp) -> Result<Vec<Timestamp>, String> {
        let event_at = self.event_at.unwrap_or(now);
        match self.schedule.when() {
            Scheduling::Immediate => Ok(vec![event_at]),
            Scheduling::Delayed(delay) => match delay.due(&self.payload, event_at, self.zone)? {
                Due::At(at) => Ok(vec![at]),
                Due::Ask(_) => Err("What a script tells is known when it has run.".to_owned()),
            },
            Scheduling::Recurring(recurrence) => {
                let occurrences = recurrence.occurrences(event_at, self.count.min(MOST_SHOWN), self.zone);
                Ok(occurrences.into_iter().map(|occurrence| occurrence.at).collect())
            }
        }
    }
}
