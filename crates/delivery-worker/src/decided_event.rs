//! An event that was decided about, without its payload.
//!
//! A decision is made once. This worker, or the next holder of the partition, may have to read the payload of a waiting event again; it
//! never decides again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bytes::Bytes;
use ig_core::audit::EventAudit;
use ig_core::event::{Event, Payload, RowPayload, SourceRow};
use ig_core::generation::is_named_after;
use ig_core::id::{EventType, OrgId, Rid};

use crate::event_trace::EventTrace;

/// Why a decided event is not available any more, in a sentence that its tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventGone {
    /// Its position has no row any more.
    #[error("The event's row was deleted from its source before its turn came.")]
    Deleted,
    /// The row at its position is another event.
    #[error("The event's row was replaced by another event before its turn came.")]
    Replaced,
    /// Its row has no payload any more.
    #[error("The event's payload was deleted from its row before its turn came.")]
    NoPayload,
    /// Its payload is larger than its source allows now.
    #[error("The event's payload has {bytes} bytes, which is more than is read of its source.")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Its payload is not JSON any more.
    #[error("The event's payload was replaced before its turn came, and is not JSON now: {0}")]
    NotJson(String),
}

/// An event without its payload, and what identifies its row.
#[derive(Debug)]
pub(crate) struct DecidedEvent {
    /// The event, its payload missing.
    pub event: Event,
    /// The trace that it belongs to.
    pub trace: EventTrace,
    payload_digest: Option<u64>,
}

impl DecidedEvent {
    /// An event that was just decided about.
    pub(crate) fn new(event: &Event, trace: &EventTrace) -> Arc<Self> {
        Arc::new(Self {
            payload_digest: Some(digest(&event.payload.raw)),
            event: Event {
                payload: Arc::new(Payload::missing()),
                ..event.clone()
            },
            trace: trace.clone(),
        })
    }

    /// An event that was decided about earlier, rebuilt from its audit; none where the audit names no tenant.
    pub(crate) fn from_audit(audit: &EventAudit, trace: &EventTrace) -> Option<Arc<Self>> {
        let (org_id, event_type) = (audit.org_id?, audit.event_type.clone()?);
        Some(Arc::new(Self {
            payload_digest: None,
            event: Event {
                source: audit.source.clone(),
                position: audit.position,
                id: audit.event_id.clone(),
                event_type,
                org_id,
                entity_rid: audit.entity_rid.unwrap_or(org_id.as_entity()),
                payload: Arc::new(Payload::missing()),
                created_at: audit.created_at,
                trace_parent: None,
            },
            trace: trace.clone(),
        }))
    }

    /// The event with the payload that its row has now.
    pub(crate) fn with_payload_of(&self, row: &SourceRow) -> Result<Event, EventGone> {
        if !self.matches_row(row) {
            return Err(EventGone::Replaced);
        }
        let payload = match &row.payload {
            RowPayload::Present(raw) => Payload::parse(raw.clone()).map_err(|error| EventGone::NotJson(error.to_string()))?,
            RowPayload::Missing => return Err(EventGone::NoPayload),
            RowPayload::TooLarge { bytes } => return Err(EventGone::TooLarge { bytes: *bytes }),
        };
        Ok(Event {
            payload: Arc::new(payload),
            trace_parent: row.trace_parent.clone(),
            ..self.event.clone()
        })
    }

    /// A source may reuse a position, even for another tenant's row. Some sources touch a row's time whenever anything else about it
    /// changes; the payload's digest identifies those rows.
    fn matches_row(&self, row: &SourceRow) -> bool {
        let event = &self.event;
        let same_id = match &row.event_id {
            Some(id) => *id == event.id,
            None => is_named_after(&event.id, row.position),
        };
        let event_type = row.event_type.as_deref().map(str::trim).map(EventType::new);
        let entity = row.entity_rid.map_or(event.org_id.as_entity(), Rid);
        let same_tenant = row.parent_rid.is_none_or(|parent| OrgId(parent) == event.org_id);
        let same_time = millis(row.created_at) == millis(event.created_at);
        same_id
            && event_type.as_ref() == Some(&event.event_type)
            && entity == event.entity_rid
            && same_tenant
            && (same_time || self.has_same_payload(row))
    }

    fn has_same_payload(&self, row: &SourceRow) -> bool {
        match &row.payload {
            RowPayload::Present(raw) => self.payload_digest == Some(digest(raw)),
            RowPayload::Missing | RowPayload::TooLarge { .. } => false,
        }
    }
}

/// Audits store milliseconds.
fn millis(at: Option<ig_core::clock::Timestamp>) -> Option<i64> {
    at.map(|at| at.timestamp_millis())
}

fn digest(payload: &Bytes) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}
