//! What was decided about an event, as clients read it.

use ig_core::audit::{Decision, EventAudit};
use ig_core::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::listing::listing;

/// What was decided about an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventEntry {
    /// The source that it came from.
    source: String,
    /// Its identifier within its source.
    event_id: String,
    /// Its place in the source.
    position: u64,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<i64>,
    /// The entity that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_rid: Option<i64>,
    /// MATCHED, SCHEDULED (all who get it get it later) or SKIPPED.
    status: &'static str,
    /// How many integrations are for it.
    integrations: u32,
    /// Why nobody got it, such as `NO_MATCH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The trace that it belongs to.
    trace_id: String,
    /// When its source created it.
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
