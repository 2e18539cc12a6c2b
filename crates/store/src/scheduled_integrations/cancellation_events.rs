//! Events that cancel pending deliveries, as stored.

use std::borrow::Cow;
use std::time::Duration;

use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::StoreError;
use ig_core::scheduled::{CancellationEvent, CancellationKey, ScheduledDelivery};
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::document::{EventDocument, ScheduledDocument};
use crate::field::{date, long, millis, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancellationEventDocument<'a> {
    /// The key: among several events that cancel the same deliveries, the latest counts.
    #[serde(rename = "_id")]
    key: ObjectId,
    org_id: i64,
    integration_config_id: ObjectId,
    #[serde(flatten)]
    event: EventDocument<'a>,
    position: i64,
    happened_at: bson::DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replacement: Option<ScheduledDocument<'a>>,
    reason: Cow<'a, str>,
    keep_for_ms: i64,
    decided_at: bson::DateTime,
    expires_at: bson::DateTime,
}

impl<'a> From<&'a CancellationEvent> for CancellationEventDocument<'a> {
    fn from(cancelling: &'a CancellationEvent) -> Self {
        let CancellationEvent {
            org_id,
            integration,
            key,
            event,
            position,
            happened_at,
            replacement,
            reason,
            keep_for,
            decided_at,
        } = cancelling;
        Self {
            key: object_id(key.0),
            org_id: org_id.0,
            integration_config_id: object_id(integration.0),
            event: event.into(),
            position: long(*position),
            happened_at: date(*happened_at),
            replacement: replacement.as_deref().map(ScheduledDocument::from),
            reason: reason.as_str().into(),
            keep_for_ms: millis(*keep_for),
            decided_at: date(*decided_at),
            expires_at: date(*decided_at + CancellationEvent::RETENTION),
        }
    }
}

impl TryFrom<CancellationEventDocument<'_>> for CancellationEvent {
    type Error = StoreError;

    fn try_from(stored: CancellationEventDocument<'_>) -> Result<Self, StoreError> {
        let replacement = stored.replacement.map(ScheduledDelivery::try_from).transpose()?;
        Ok(Self {
            org_id: OrgId(stored.org_id),
            integration: IntegrationId(stored.integration_config_id.bytes()),
            key: CancellationKey(stored.key.bytes()),
            event: stored.event.into(),
            position: unsigned(stored.position),
            happened_at: timestamp(stored.happened_at),
            replacement: replacement.map(Box::new),
            reason: stored.reason.into_owned(),
            keep_for: Duration::from_millis(unsigned(stored.keep_for_ms)),
            decided_at: timestamp(stored.decided_at),
        })
    }
}

/// Matches deliveries planned by earlier events: the same rule as [`CancellationEvent::cancels`].
pub(super) fn of_earlier_events(cancelling: &CancellationEvent) -> Vec<Document> {
    let source = cancelling.event.source.as_str();
    vec![
        doc! { "source": source, "position": { "$lt": long(cancelling.position) } },
        doc! { "source": { "$ne": source }, "happenedAt": { "$lte": date(cancelling.happened_at) } },
    ]
}
