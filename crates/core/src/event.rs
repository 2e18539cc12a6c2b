//! Events: as their source holds them, and as the pipeline processes them.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::id::{EventId, EventType, OrgId, Position, Rid, SourceId};

/// A row as its source holds it, unvalidated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its position in the source.
    pub position: Position,
    /// Its identifier, where that differs from its position.
    pub event_id: Option<EventId>,
    /// The event type.
    pub event_type: Option<String>,
    /// The payload, or why it was not read.
    pub payload: RowPayload,
    /// The entity it is about.
    pub entity_rid: Option<i64>,
    /// The organisation above that entity.
    pub parent_rid: Option<i64>,
    /// When the source created it.
    pub created_at: Option<Timestamp>,
    /// The W3C trace context of the writer.
    pub trace_parent: Option<String>,
}

impl SourceRow {
    /// The size of its payload in bytes.
    pub fn payload_bytes(&self) -> usize {
        match &self.payload {
            RowPayload::Present(bytes) => bytes.len(),
            RowPayload::Missing | RowPayload::TooLarge { .. } => 0,
        }
    }
}

/// A row's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowPayload {
    /// The bytes as stored.
    Present(Bytes),
    /// The column is empty.
    Missing,
    /// The payload exceeds the limit, so it was not read.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
    },
}

/// A validated event: it has a tenant, a type and a JSON payload.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where it came from.
    pub source: SourceId,
    /// Its position in the source.
    pub position: Position,
    /// Its identifier within its source.
    pub id: EventId,
    /// The event type.
    pub event_type: EventType,
    /// The tenant.
    pub org_id: OrgId,
    /// The entity it is about: a unit, or the organisation itself.
    pub entity_rid: Rid,
    /// The payload, as received and as parsed.
    pub payload: Arc<Payload>,
    /// When the source created it.
    pub created_at: Option<Timestamp>,
    /// The W3C trace context of the writer.
    pub trace_parent: Option<String>,
}

/// The largest payload that fits into a document together with its metadata, in bytes. A document of the database holds 16 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 14 * 1024 * 1024;

/// A JSON payload: the bytes as received, and the parsed value.
#[derive(Debug, Clone)]
pub struct Payload {
    /// The bytes as received.
    pub raw: Bytes,
    /// The parsed value.
    pub json: serde_json::Value,
}

impl Payload {
    /// The payload of an event whose content is unavailable.
    pub fn missing() -> Self {
        Self {
            raw: Bytes::new(),
            json: serde_json::Value::Null,
        }
    }

    /// Parses the bytes; the error says where they stop being JSON.
    pub fn parse(raw: Bytes) -> Result<Self, serde_json::Error> {
        let json = crate::json::parse(&raw)?;
        Ok(Self { raw, json })
    }
}
