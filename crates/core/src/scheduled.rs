//! Scheduled deliveries, and the events that cancel them.
//!
//! One row stands for one occurrence of one event through one integration, with all of the integration's actions: when it is
//! due they are ordered one after the other, under the configuration of that day. The row's identity derives from the event's,
//! so reading an event again schedules nothing twice; neither does creating the next occurrence twice.

mod cancellation;
mod requests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use cancellation::{CancellationEvent, CancellationKey};
pub use requests::{CancelDelivery, MAX_PREVIEW_OCCURRENCES, PreviewSchedule, RescheduleDelivery};

use crate::clock::Timestamp;
use crate::delivery_command::DeliveryCommand;
use crate::delivery_log::{EventRef, TriggerType, named};
use crate::id::{IntegrationId, OrgId, Position, Rid, ScheduledId};
use crate::integration::Target;
use crate::message::MessageId;
use crate::schedule::{MAX_MISSED_COUNTED, Occurrence, Schedule, Scheduling, Zone};

named! {
    /// The status of a scheduled delivery.
    ScheduledStatus {
        /// It waits for its time, or is being delivered.
        Pending = "PENDING",
        /// Every request was accepted, or there was nothing to send.
        Completed = "COMPLETED",
        /// A request failed; its dead letter tells what happens next.
        Failed = "FAILED",
        /// It was cancelled.
        Cancelled = "CANCELLED",
    }
}

/// The place of an occurrence in its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its number, from 1.
    pub number: u32,
    /// Its time by the rule, even if it was moved: the next one follows from it.
    pub at: Timestamp,
    /// The recurrence as it was when the event arrived.
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

/// The cancellation of a scheduled delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The reason, for people.
    pub reason: String,
    /// The event that caused it, if any.
    pub event: Option<EventRef>,
    /// When it happened.
    pub at: Timestamp,
}

/// A delivery with a time in the future.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledDelivery {
    /// Its identifier.
    pub id: ScheduledId,
    /// The tenant.
    pub org_id: OrgId,
    /// The entity that the event is about.
    pub entity_rid: Rid,
    /// The integration.
    pub integration: IntegrationId,
    /// The name of the integration when the delivery was scheduled.
    pub integration_name: String,
    /// The event.
    pub event: EventRef,
    /// The event's position in its source.
    pub position: Position,
    /// When the event happened, for comparison with events of other sources.
    pub happened_at: Timestamp,
    /// The target when the delivery was scheduled, for people.
    pub target: Target,
    /// The event's payload; empty in lists.
    pub payload: Bytes,
    /// When it is due.
    pub scheduled_for: Timestamp,
    /// Its place in a series, if it recurs.
    pub series: Option<Series>,
    /// The keys of the events that cancel it.
    pub cancellation_keys: Vec<CancellationKey>,
    /// Its status.
    pub status: ScheduledStatus,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Its cancellation, if it was cancelled.
    pub cancellation: Option<Cancellation>,
    /// The trace that it belongs to.
    pub trace_id: String,
    /// How long it is kept after it has ended.
    pub keep_for: Duration,
    /// When it was scheduled.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The part of a due delivery that scheduling its turn requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its identifier.
    pub id: ScheduledId,
    /// The tenant.
    pub org_id: OrgId,
    /// The integration.
    pub integration: IntegrationId,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// The size of its payload in bytes.
    pub payload_bytes: usize,
}

/// How an occurrence ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OccurrenceOutcome {
    /// Every request was accepted, or there was nothing to send.
    Completed,
    /// A request failed, and why.
    Failed(String),
    /// It was cancelled, and why.
    Cancelled(String),
}

impl OccurrenceOutcome {
    /// The resulting status of the delivery.
    pub fn status(&self) -> ScheduledStatus {
        match self {
            Self::Completed => ScheduledStatus::Completed,
            Self::Failed(_) => ScheduledStatus::Failed,
            Self::Cancelled(_) => ScheduledStatus::Cancelled,
        }
    }
}

impl ScheduledDelivery {
    /// The identifier of an event's delivery through an integration; with a number, that of one occurrence.
    pub fn identity(event: &EventRef, integration: IntegrationId, number: Option<u32>) -> ScheduledId {
        ScheduledId(message(event, integration, number, 0).log_id(event.created_at).0)
    }

    /// The message of one of its actions.
    pub fn message_id(&self, action_index: u16) -> MessageId {
        message(&self.event, self.integration, self.number(), action_index)
    }

    /// The number of the occurrence, if it recurs.
    pub fn number(&self) -> Option<u32> {
        self.series.as_ref().map(|series| series.number)
    }

    /// The next occurrence at or after a moment, whatever the outcome of this one; `None` at the end of the series.
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

    /// How many occurrences between this one and a moment are skipped, as a sentence; `None` if there are none.
    pub fn missed_note(&self, not_before: Timestamp) -> Option<String> {
        let (_, missed) = self.series.as_ref()?.after_missed(not_before);
        match missed {
            0 => None,
            MAX_MISSED_COUNTED => Some(format!(
                "At least {MAX_MISSED_COUNTED} occurrences after it were missed as well."
            )),
            1 => Some("One occurrence after it was missed as well.".to_owned()),
            missed => Some(format!("{missed} occurrences after it were missed as well.")),
        }
    }

    /// The command to send one of its actions now.
    pub fn command(&self, action_index: u16, claim_id: String) -> DeliveryCommand {
        DeliveryCommand {
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
