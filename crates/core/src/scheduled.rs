//! Deliveries whose time is yet to come, and the events that call them off.
//!
//! One row stands for one occurrence of one event through one integration, with all of the integration's actions: they are ordered one
//! after the other when the time has come, under the configuration of that day. The row's identity follows from the event's, so an event
//! that is read again plans nothing twice, and so does each next occurrence, whoever makes it.

mod asked;
mod call_off;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use asked::{Cancel, MOST_SHOWN, Preview, Reschedule};
pub use call_off::{CallOff, CallOffKey};

use crate::clock::Timestamp;
use crate::delivery_log::{EventRef, TriggerType, named};
use crate::id::{IntegrationId, OrgId, Position, Rid, ScheduledId};
use crate::integration::Target;
use crate::message::MessageId;
use crate::order::DeliveryOrder;
use crate::schedule::{MOST_COUNTED, Occurrence, Schedule, Scheduling, Zone};

named! {
    /// Where a scheduled delivery stands.
    ScheduledStatus {
        /// Its time is yet to come, or it is being delivered.
        Pending = "PENDING",
        /// Every request was taken, or there was nothing to send.
        Completed = "COMPLETED",
        /// A request was not taken: its dead letter says what becomes of it.
        Failed = "FAILED",
        /// It was called off.
        Cancelled = "CANCELLED",
    }
}

/// Where an occurrence stands among others.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which one it is, from 1.
    pub number: u32,
    /// Its time by the rule, wherever it was moved to: the next one follows from it.
    pub at: Timestamp,
    /// The recurrence as it was when the event came.
    pub schedule: Schedule,
    /// The tenant's zone, for a recurrence that names none.
    pub zone: Zone,
}

impl Series {
    fn after_missed(&self, not_before: Timestamp) -> (Option<Occurrence>, u32) {
        let Scheduling::Recurring(recurrence) = self.schedule.when() else {
            return (None, 0);
        };
        let this = Occurrence {
            number: self.number,
            at: self.at,
        };
        recurrence.after_missed(this, not_before, self.zone)
    }
}

/// Who called off a scheduled delivery, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// Why, for people.
    pub reason: String,
    /// The event that did it, where it was one.
    pub event: Option<EventRef>,
    /// When.
    pub at: Timestamp,
}

/// A delivery whose time is yet to come.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledDelivery {
    /// Its identifier.
    pub id: ScheduledId,
    /// The tenant.
    pub org_id: OrgId,
    /// The entity that the event is about.
    pub entity_rid: Rid,
    /// What it is for.
    pub integration: IntegrationId,
    /// What that was called when it was planned.
    pub integration_name: String,
    /// What it is about.
    pub event: EventRef,
    /// The event's place in its source.
    pub position: Position,
    /// When the event happened, to be told from events of other sources.
    pub happened_at: Timestamp,
    /// Where it was to go when it was planned, for people.
    pub target: Target,
    /// What the event carried; left empty in lists.
    pub payload: Bytes,
    /// Its time.
    pub scheduled_for: Timestamp,
    /// Where it stands among others, where it recurs.
    pub series: Option<Series>,
    /// By what later events call it off.
    pub call_off_keys: Vec<CallOffKey>,
    /// Where it stands.
    pub status: ScheduledStatus,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Who called it off, if somebody did.
    pub cancellation: Option<Cancellation>,
    /// The trace that it belongs to.
    pub trace_id: String,
    /// How long it is kept once it has ended.
    pub keep_for: Duration,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A delivery whose time has come, as far as it has to be known to be given its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDelivery {
    /// Which one.
    pub id: ScheduledId,
    /// The tenant.
    pub org_id: OrgId,
    /// What it is for.
    pub integration: IntegrationId,
    /// Since when somebody is to take care of it.
    pub due_at: Timestamp,
    /// How large its payload is.
    pub payload_bytes: usize,
}

/// How an occurrence ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Every request was taken, or there was nothing to send.
    Completed,
    /// A request was not taken, and why.
    Failed(String),
    /// It was called off, and why.
    Cancelled(String),
}

impl Settlement {
    /// Where the delivery stands by it.
    pub fn status(&self) -> ScheduledStatus {
        match self {
            Self::Completed => ScheduledStatus::Completed,
            Self::Failed(_) => ScheduledStatus::Failed,
            Self::Cancelled(_) => ScheduledStatus::Cancelled,
        }
    }
}

impl ScheduledDelivery {
    /// The identifier of what an event causes through an integration; of one of several occurrences where a number is given.
    pub fn identity(event: &EventRef, integration: IntegrationId, number: Option<u32>) -> ScheduledId {
        ScheduledId(message(event, integration, number, 0).log_id(event.created_at).0)
    }

    /// The message that one of its actions sends.
    pub fn message_id(&self, action_index: u16) -> MessageId {
        message(&self.event, self.integration, self.number(), action_index)
    }

    /// Which occurrence it is, where it recurs.
    pub fn number(&self) -> Option<u32> {
        self.series.as_ref().map(|series| series.number)
    }

    /// The next occurrence that is not before a moment, whatever came of this; nothing where there is no further.
    pub fn successor(&self, not_before: Timestamp, now: Timestamp) -> Option<Self> {
        let series = self.series.as_ref()?;
        let (next, _) = series.after_missed(not_before);
        let next = next?;
        Some(Self {
            id: Self::identity(&self.event, self.integration, Some(next.number)),
            scheduled_for: next.at,
            series: Some(Series {
                number: next.number,
                at: next.at,
                ..series.clone()
            }),
            status: ScheduledStatus::Pending,
            error: None,
            cancellation: None,
            created_at: now,
            updated_at: now,
            ..self.clone()
        })
    }

    /// How many occurrences between this one and a moment are passed over, in words; nothing where it is none.
    pub fn missed(&self, not_before: Timestamp) -> Option<String> {
        let (_, missed) = self.series.as_ref()?.after_missed(not_before);
        match missed {
            0 => None,
            MOST_COUNTED => Some(format!("At least {MOST_COUNTED} occurrences after it were missed as well.")),
            1 => Some("One occurrence after it was missed as well.".to_owned()),
            missed => Some(format!("{missed} occurrences after it were missed as well.")),
        }
    }

    /// The order to make one of its actions now.
    pub fn order(&self, action_index: u16, claim_id: String) -> DeliveryOrder {
        DeliveryOrder {
            org_id: self.org_id,
            integration: self.integration,
            action_index,
            message_id: self.message_id(action_index),
            source: self.event.source.clone(),
            event_id: self.event.id.clone(),
            event_type: self.event.event_type.clone(),
            entity_rid: self.entity_rid,
            event_created_at: self.event.created_at,
            payload: self.payload.clone(),
            trigger: TriggerType::Scheduled,
            claim_id,
        }
    }
}

fn message(event: &EventRef, integration: IntegrationId, number: Option<u32>, action_index: u16) -> MessageId {
    let message = MessageId::derive(&event.source, &event.id, integration, action_index);
    number.map_or(message, |number| message.occurrence(number))
}
