//! Builder of queue rows.

use mysql_async::Value;
use serde_json::json;

/// A row of `notification_queue`.
#[derive(Debug, Clone)]
pub struct QueueRow {
    id: Option<u64>,
    event_type: Option<String>,
    payload: Option<Vec<u8>>,
    entity_rid: Option<i64>,
    parent_rid: Option<i64>,
    trace_parent: Option<String>,
}

impl QueueRow {
    /// A row of an event type about an organisation itself, with a small payload.
    pub fn new(org: i64, event_type: &str) -> Self {
        Self {
            event_type: Some(event_type.to_owned()),
            payload: Some(json!({"org": org, "type": event_type}).to_string().into_bytes()),
            entity_rid: Some(org),
            parent_rid: Some(org),
            ..Self::empty()
        }
    }

    /// A row with NULL in every column that allows it.
    pub fn empty() -> Self {
        Self {
            id: None,
            event_type: None,
            payload: None,
            entity_rid: None,
            parent_rid: None,
            trace_parent: None,
        }
    }

    /// Sets the id instead of the next one.
    #[must_use]
    pub fn id(self, id: u64) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets the payload.
    #[must_use]
    pub fn payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            payload: Some(payload.into()),
            ..self
        }
    }

    /// Sets a JSON payload.
    #[must_use]
    pub fn json(self, payload: &serde_json::Value) -> Self {
        self.payload(payload.to_string())
    }

    /// Sets the entity.
    #[must_use]
    pub fn entity(self, rid: i64) -> Self {
        Self {
            entity_rid: Some(rid),
            ..self
        }
    }

    /// Sets or clears the entity's organisation.
    #[must_use]
    pub fn parent(self, rid: Option<i64>) -> Self {
        Self { parent_rid: rid, ..self }
    }

    /// Sets a W3C trace context.
    #[must_use]
    pub fn trace_parent(self, trace_parent: &str) -> Self {
        Self {
            trace_parent: Some(trace_parent.to_owned()),
            ..self
        }
    }

    pub(super) fn own_id(&self) -> Option<u64> {
        self.id
    }

    pub(super) fn values(&self) -> [Value; 6] {
        [
            self.id.into(),
            self.event_type.clone().into(),
            self.payload.clone().into(),
            self.entity_rid.into(),
            self.parent_rid.into(),
            self.trace_parent.clone().into(),
        ]
    }
}
