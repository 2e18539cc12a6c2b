//! A pushed event as stored. It borrows on write and owns on read.

use std::borrow::Cow;

use ig_core::event::{RowPayload, SourceRow};
use ig_core::id::{EventId, OrgId, Position};
use mongodb::bson::{self, Binary};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::PushedEvent;
use crate::field::{Received, binary, date, long, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushedDocument<'a> {
    #[serde(rename = "_id")]
    position: i64,
    /// `orgId:eventId`, unique; unambiguous because a number contains no colon.
    key: Cow<'a, str>,
    digest: Binary,
    org_id: i64,
    event_type: Cow<'a, str>,
    entity_rid: i64,
    payload: Received<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_parent: Option<Cow<'a, str>>,
    received_at: bson::DateTime,
}

/// A key in use, with the digest of its event.
#[derive(Debug, Deserialize)]
pub(super) struct KnownDocument {
    pub(super) key: String,
    pub(super) digest: Binary,
}

impl<'a> PushedDocument<'a> {
    pub(super) fn new(event: &'a PushedEvent, position: Position) -> Self {
        Self {
            position: long(position),
            key: key(event).into(),
            digest: binary(digest(event)),
            org_id: event.org_id.0,
            event_type: event.event_type.as_str().into(),
            entity_rid: event.entity_rid.0,
            payload: Received::from(&event.payload[..]),
            trace_parent: event.trace_parent.as_deref().map(Cow::from),
            received_at: date(event.received_at),
        }
    }
}

impl From<PushedDocument<'_>> for SourceRow {
    fn from(stored: PushedDocument<'_>) -> Self {
        Self {
            position: unsigned(stored.position),
            event_id: Some(EventId::new(stored.key)),
            event_type: Some(stored.event_type.into_owned()),
            payload: RowPayload::Present(stored.payload.into()),
            entity_rid: Some(stored.entity_rid),
            parent_rid: Some(stored.org_id),
            created_at: Some(timestamp(stored.received_at)),
            trace_parent: stored.trace_parent.map(Cow::into_owned),
        }
    }
}

/// An event's identifier among those of all organisations.
pub(super) fn key(event: &PushedEvent) -> String {
    key_of(event.org_id, &event.event_id)
}

pub(super) fn key_of(org: OrgId, event: &EventId) -> String {
    event.pushed_by(org).to_string()
}

/// The digest of what must be equal in two events with one identifier.
pub(super) fn digest(event: &PushedEvent) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(event.entity_rid.0.to_be_bytes());
    for part in [event.event_type.as_str().as_bytes(), &event.payload] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].to_vec()
}
