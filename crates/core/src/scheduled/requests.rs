//! Requests about scheduled deliveries.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::id::{OrgId, ScheduledId};
use crate::schedule::{Due, Schedule, Scheduling, Zone};

/// The most occurrences that a preview shows.
pub const MAX_PREVIEW_OCCURRENCES: usize = 100;

/// A request to cancel a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelDelivery {
    /// The tenant.
    pub org_id: OrgId,
    /// The delivery.
    pub id: ScheduledId,
    /// The reason, for people.
    pub reason: String,
}

/// A request to move a delivery to another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescheduleDelivery {
    /// The tenant.
    pub org_id: OrgId,
    /// The delivery.
    pub id: ScheduledId,
    /// Its new time.
    pub at: Timestamp,
}

/// A request for the times that a schedule yields.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// The payload of the event.
    pub payload: Value,
    /// The number of times, up to [`MAX_PREVIEW_OCCURRENCES`].
    pub count: usize,
    /// The tenant's zone.
    pub zone: Zone,
    /// The time of the event; `None` means now.
    pub event_at: Option<Timestamp>,
}

impl PreviewSchedule {
    /// The times, ascending; the error is a sentence that a tenant may read.
    pub fn times(&self, now: Timestamp) -> Result<Vec<Timestamp>, String> {
        let event_at = self.event_at.unwrap_or(now);
        match self.schedule.when() {
            Scheduling::Immediate => Ok(vec![event_at]),
            Scheduling::Delayed(delay) => match delay.due(&self.payload, event_at, self.zone)? {
                Due::At(at) => Ok(vec![at]),
                Due::Script(_) => Err("What a script tells is known when it has run.".to_owned()),
            },
            Scheduling::Recurring(recurrence) => {
                let occurrences = recurrence.occurrences(event_at, self.count.min(MAX_PREVIEW_OCCURRENCES), self.zone);
                Ok(occurrences.into_iter().map(|occurrence| occurrence.at).collect())
            }
        }
    }
}
