//! The gateway's decisions about events, as clients read them.

use ig_core::audit::{Decision, EventAudit};
use ig_core::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::listing::listing;

/// The decision about one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventEntry {
    /// The event source.
    source: String,
    /// The event's identifier within its source.
    event_id: String,
    /// The event's position in the source.
    position: u64,
    /// The event's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<i64>,
    /// The entity that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_rid: Option<i64>,
    /// MATCHED, SCHEDULED (every delivery is for later) or SKIPPED.
    status: &'static str,
    /// How many integrations the event matched.
    integrations: u32,
    /// Why the event has no delivery, such as `NO_MATCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Details of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The identifier of its trace.
    trace_id: String,
    /// When the source created the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When the gateway decided.
    #[schema(value_type = String, format = DateTime)]
    decided_at: Timestamp,
}

listing! {
    /// A page of events, the latest first.
    EventList { events: EventEntry }
}

impl From<EventAudit> for EventEntry {
    fn from(audit: EventAudit) -> Self {
        let EventAudit {
            source,
            event_id,
            position,
            event_type,
            org_id,
            entity_rid,
            decision,
            matched: _,
            detail,
            created_at,
            decided_at,
            configuration_revision: _,
            trace_id,
            expires_at: _,
        } = audit;
        let status = decision.status().as_str();
        let (integrations, reason) = match decision {
            Decision::Matched { integrations } | Decision::Scheduled { integrations } => (integrations, None),
            Decision::Skipped(reason) => (0, Some(reason.as_str())),
        };
        Self {
            source: source.to_string(),
            event_id: event_id.to_string(),
            position,
            event_type: event_type.map(|name| name.to_string()),
            org_id: org_id.map(|org| org.0),
            entity_rid: entity_rid.map(|rid| rid.0),
            status,
            integrations,
            reason,
            detail,
            trace_id,
            created_at,
            decided_at,
        }
    }
}
