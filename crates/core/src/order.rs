//! Orders: deliveries that another service wants made now, and what came of them.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::delivery_log::TriggerType;
use crate::id::{EventId, EventType, IntegrationId, LogId, OrgId, Rid, SourceId};
use crate::message::MessageId;
use crate::outcome::ErrorCategory;

/// An order to make one delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryOrder {
    /// The tenant.
    pub org_id: OrgId,
    /// The integration; its configuration of today applies.
    pub integration: IntegrationId,
    /// The action's place in the sequence, from 0.
    pub action_index: u16,
    /// The message's identifier, the same on every order of this delivery.
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
    /// What caused the order.
    pub trigger: TriggerType,
    /// The claim under which the caller holds the row; empty where there is none.
    pub claim_id: String,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderOutcome {
    /// The target took it.
    Delivered,
    /// There was nothing to send.
    Skipped,
    /// It failed, and may succeed later.
    Retryable,
    /// It failed, and would fail again.
    Refused,
    /// The breaker is open, a person paused it, or its limit leaves no room yet; nothing was sent.
    Held,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// How it ended.
    pub outcome: OrderOutcome,
    /// Why it failed, if it did.
    pub error: Option<(ErrorCategory, String)>,
    /// The answered status, if there was an answer.
    pub response_status: Option<u16>,
    /// How long the target asked to wait.
    pub retry_after: Option<Duration>,
    /// The delivery's log.
    pub log_id: LogId,
}
