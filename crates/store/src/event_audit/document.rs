//! A decision about an event as stored. It borrows on write and owns on read.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use ig_core::audit::{Decision, DecisionStatus, EventAudit, SkipReason};
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, Position, Rid, SourceId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::unreadable;
use crate::field::{date, long, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditDocument<'a> {
    #[serde(rename = "_id")]
    pub(super) id: ObjectId,
    source: Cow<'a, str>,
    event_id: Cow<'a, str>,
    position: i64,
    event_type: Option<Cow<'a, str>>,
    org_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_rid: Option<i64>,
    status: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integrations: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    integration_ids: Vec<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_created_at: Option<bson::DateTime>,
    created_at: bson::DateTime,
    /// Absent in entries of earlier versions.
    #[serde(default)]
    configuration_revision: i64,
    trace_id: Cow<'a, str>,
    expires_at: bson::DateTime,
}

impl<'a> From<&'a EventAudit> for AuditDocument<'a> {
    fn from(audit: &'a EventAudit) -> Self {
        let EventAudit {
            source,
            event_id,
            position,
            event_type,
            org_id,
            entity_rid,
            decision,
            matched,
            detail,
            created_at,
            decided_at,
            configuration_revision,
            trace_id,
            expires_at,
        } = audit;
        let (integrations, reason) = match decision {
            Decision::Matched { integrations } | Decision::Scheduled { integrations } => (Some(i64::from(*integrations)), None),
            Decision::Skipped(reason) => (None, Some(reason.as_str().into())),
        };
        Self {
            id: id(audit),
            source: source.as_str().into(),
            event_id: event_id.as_str().into(),
            position: long(*position),
            event_type: event_type.as_ref().map(|text| text.as_str().into()),
            org_id: org_id.map(|org| org.0),
            entity_rid: entity_rid.map(|rid| rid.0),
            status: decision.status().as_str().into(),
            reason,
            integrations,
            integration_ids: matched.iter().map(|id| object_id(id.0)).collect(),
            detail: detail.as_deref().map(Cow::from),
            event_created_at: created_at.map(date),
            created_at: date(*decided_at),
            configuration_revision: long(*configuration_revision),
            trace_id: trace_id.as_str().into(),
            expires_at: date(*expires_at),
        }
    }
}

/// An id that follows from the event alone. The position comes first, so that new entries are adjacent in the index.
fn id(audit: &EventAudit) -> ObjectId {
    let position = audit.position.to_be_bytes();
    let mut hash = Sha256::new();
    for part in [
        audit.source.as_str().as_bytes(),
        audit.event_id.as_str().as_bytes(),
        &position,
    ] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let mut rest = [0; 7];
    rest.copy_from_slice(&hash.finalize()[..7]);
    at(audit.position, rest)
}

fn at(position: Position, rest: [u8; 7]) -> ObjectId {
    let mut id = [0; 12];
    id[..5].copy_from_slice(&position.to_be_bytes()[3..]);
    id[5..].copy_from_slice(&rest);
    ObjectId::from_bytes(id)
}

/// Matches the entries at these positions, whatever their source. Ids ascend with positions that agree in the bits
/// missing from the id; for other ranges, only the unindexed field `position` selects.
pub(super) fn within(positions: &RangeInclusive<Position>) -> Document {
    let (first, last) = (*positions.start(), *positions.end());
    let mut within = doc! { "position": { "$gte": long(first), "$lte": long(last) } };
    if beyond_identifier(first) == beyond_identifier(last) {
        within.insert("_id", doc! { "$gte": at(first, [0; 7]), "$lte": at(last, [u8::MAX; 7]) });
    }
    within
}

/// The bits of a position that are missing from an entry's id.
pub(super) fn beyond_identifier(position: Position) -> u64 {
    position >> 40
}

impl TryFrom<AuditDocument<'_>> for EventAudit {
    type Error = StoreError;

    fn try_from(stored: AuditDocument<'_>) -> Result<Self, StoreError> {
        let integrations = stored
            .integrations
            .map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX));
        let decision = match DecisionStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))? {
            DecisionStatus::Matched => Decision::Matched { integrations },
            DecisionStatus::Scheduled => Decision::Scheduled { integrations },
            DecisionStatus::Skipped => Decision::Skipped(read_reason(stored.reason.as_deref())?),
        };
        Ok(Self {
            source: SourceId::new(stored.source),
            event_id: EventId::new(stored.event_id),
            position: unsigned(stored.position),
            event_type: stored.event_type.map(EventType::new),
            org_id: stored.org_id.map(OrgId),
            entity_rid: stored.entity_rid.map(Rid),
            decision,
            matched: stored.integration_ids.iter().map(|id| IntegrationId(id.bytes())).collect(),
            detail: stored.detail.map(Cow::into_owned),
            created_at: stored.event_created_at.map(timestamp),
            decided_at: timestamp(stored.created_at),
            configuration_revision: unsigned(stored.configuration_revision),
            trace_id: stored.trace_id.into_owned(),
            expires_at: timestamp(stored.expires_at),
        })
    }
}

fn read_reason(reason: Option<&str>) -> Result<SkipReason, StoreError> {
    reason.and_then(SkipReason::parse).ok_or_else(|| unreadable("reason"))
}
