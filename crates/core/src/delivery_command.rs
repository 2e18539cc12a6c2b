//! Delivery commands: another service requests a delivery now, and receives its result.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::delivery_log::TriggerType;
use crate::id::{EventId, EventType, IntegrationId, LogId, OrgId, Rid, SourceId};
use crate::message::MessageId;
use crate::outcome::ErrorCategory;

/// A command to make one delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryCommand {
    /// The tenant.
    pub org_id: OrgId,
    /// The integration; its current configuration applies.
    pub integration: IntegrationId,
    /// The action's index in the sequence, from 0.
    pub action_index: u16,
    /// The identifier of the message, the same on every command for this delivery.
    pub message_id: MessageId,
    /// The source of the event.
    pub source: SourceId,
    /// The event's identifier within its source.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// The entity that the event is about.
    pub entity_rid: Rid,
    /// When the source created the event.
    pub event_created_at: Option<Timestamp>,
    /// The event's payload: JSON text.
    pub payload: Bytes,
    /// What triggered the command.
    pub trigger: TriggerType,
    /// The claim of the caller on the row; empty without a claim.
    pub claim_id: String,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandOutcome {
    /// The target accepted it.
    Delivered,
    /// There was nothing to send.
    Skipped,
    /// It failed, and may succeed later.
    Retryable,
    /// It failed, and would fail again.
    Refused,
    /// Nothing was sent: the breaker is open, a person paused the integration, its limit is exhausted, or its script is disabled for now.
    Held,
}

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandReport {
    /// How it ended.
    pub outcome: CommandOutcome,
    /// Why it failed, if it did.
    pub error: Option<(ErrorCategory, String)>,
    /// The response status, if there was a response.
    pub response_status: Option<u16>,
    /// How long the target asked to wait.
    pub retry_after: Option<Duration>,
    /// The delivery's log.
    pub log_id: LogId,
}
