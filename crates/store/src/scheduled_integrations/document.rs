//! A scheduled delivery as stored. It borrows on write and owns on read.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use ig_core::delivery_log::EventRef;
use ig_core::id::{EventId, EventType, IntegrationId, OrgId, Rid, ScheduledId, SourceId};
use ig_core::ports::StoreError;
use ig_core::schedule::{Schedule, ScheduleMode};
use ig_core::scheduled::{Cancellation, CancellationKey, ScheduledDelivery, ScheduledStatus, Series};
use mongodb::bson::{self, Bson, oid::ObjectId};
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::target;
use crate::field::{Received, date, json, json_text, long, millis, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduledDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    tenant_id: i64,
    integration_config_id: ObjectId,
    integration_name: Cow<'a, str>,
    #[serde(flatten)]
    event: EventDocument<'a>,
    position: i64,
    happened_at: bson::DateTime,
    target_url: Cow<'a, str>,
    http_method: Cow<'a, str>,
    payload: Option<Received<'a>>,
    payload_bytes: i64,
    scheduled_for: bson::DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<bson::DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recurring_config: Option<SeriesDocument<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    call_off_keys: Vec<ObjectId>,
    status: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_message: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancellation_info: Option<CancellationDocument<'a>>,
    trace_id: Cow<'a, str>,
    keep_for_ms: i64,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
}

/// The event of a delivery, with this collection's field names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventDocument<'a> {
    source: Cow<'a, str>,
    original_event_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_created_at: Option<bson::DateTime>,
}

/// The place of an occurrence in its series.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeriesDocument<'a> {
    occurrence: i64,
    at: bson::DateTime,
    /// JSON text as configured.
    config: String,
    timezone: Cow<'a, str>,
}

/// The author of a cancellation, and its reason.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancellationDocument<'a> {
    reason: Cow<'a, str>,
    cancelled_at: bson::DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<EventDocument<'a>>,
}

impl CancellationDocument<'_> {
    pub(super) fn to_bson(&self) -> Result<Bson, StoreError> {
        bson::serialize_to_bson(self).map_err(|_| unreadable("cancellationInfo"))
    }
}

impl<'a> From<&'a EventRef> for EventDocument<'a> {
    fn from(event: &'a EventRef) -> Self {
        let EventRef {
            source,
            id,
            event_type,
            created_at,
        } = event;
        Self {
            source: source.as_str().into(),
            original_event_id: id.as_str().into(),
            event_type: event_type.as_str().into(),
            event_created_at: created_at.map(date),
        }
    }
}

impl From<EventDocument<'_>> for EventRef {
    fn from(stored: EventDocument<'_>) -> Self {
        Self {
            source: SourceId::new(stored.source),
            id: EventId::new(stored.original_event_id),
            event_type: EventType::new(stored.event_type),
            created_at: stored.event_created_at.map(timestamp),
        }
    }
}

impl<'a> From<&'a Cancellation> for CancellationDocument<'a> {
    fn from(cancellation: &'a Cancellation) -> Self {
        let Cancellation { reason, event, at } = cancellation;
        Self {
            reason: reason.as_str().into(),
            cancelled_at: date(*at),
            event: event.as_ref().map(Into::into),
        }
    }
}

impl From<CancellationDocument<'_>> for Cancellation {
    fn from(stored: CancellationDocument<'_>) -> Self {
        Self {
            reason: stored.reason.into_owned(),
            event: stored.event.map(Into::into),
            at: timestamp(stored.cancelled_at),
        }
    }
}

impl<'a> From<&'a Series> for SeriesDocument<'a> {
    fn from(series: &'a Series) -> Self {
        let Series {
            number,
            at,
            schedule,
            zone,
        } = series;
        Self {
            occurrence: i64::from(*number),
            at: date(*at),
            config: schedule.config().map(json_text).unwrap_or_default(),
            timezone: zone.name().into(),
        }
    }
}

impl SeriesDocument<'_> {
    fn read(self) -> Result<Series, StoreError> {
        let config = json("recurringConfig", &self.config)?;
        let schedule = Schedule::read(ScheduleMode::Recurring, Some(&config));
        Ok(Series {
            number: u32::try_from(self.occurrence).map_err(|_| unreadable("occurrence"))?,
            at: timestamp(self.at),
            schedule: schedule.map_err(|_| unreadable("recurringConfig"))?,
            zone: self.timezone.parse().map_err(|_| unreadable("timezone"))?,
        })
    }
}

impl<'a> From<&'a ScheduledDelivery> for ScheduledDocument<'a> {
    fn from(delivery: &'a ScheduledDelivery) -> Self {
        let ScheduledDelivery {
            id,
            org_id,
            entity_rid,
            integration,
            integration_name,
            event,
            position,
            happened_at,
            target,
            payload,
            scheduled_for,
            series,
            cancellation_keys,
            status,
            error,
            cancellation,
            trace_id,
            keep_for,
            created_at,
            updated_at,
        } = delivery;
        Self {
            id: object_id(id.0),
            org_id: org_id.0,
            tenant_id: entity_rid.0,
            integration_config_id: object_id(integration.0),
            integration_name: integration_name.as_str().into(),
            event: event.into(),
            position: long(*position),
            happened_at: date(*happened_at),
            target_url: target.url.to_string().into(),
            http_method: target.method.as_str().into(),
            payload: Some(Received::from(&payload[..])),
            payload_bytes: i64::try_from(payload.len()).unwrap_or(i64::MAX),
            scheduled_for: date(*scheduled_for),
            due_at: (*status == ScheduledStatus::Pending).then(|| date(*scheduled_for)),
            recurring_config: series.as_ref().map(Into::into),
            call_off_keys: cancellation_keys.iter().map(|key| object_id(key.0)).collect(),
            status: status.as_str().into(),
            error_message: error.as_deref().map(Cow::from),
            cancellation_info: cancellation.as_ref().map(Into::into),
            trace_id: trace_id.as_str().into(),
            keep_for_ms: millis(*keep_for),
            created_at: date(*created_at),
            updated_at: date(*updated_at),
        }
    }
}

impl TryFrom<ScheduledDocument<'_>> for ScheduledDelivery {
    type Error = StoreError;

    fn try_from(stored: ScheduledDocument<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: ScheduledId(stored.id.bytes()),
            org_id: OrgId(stored.org_id),
            entity_rid: Rid(stored.tenant_id),
            integration: IntegrationId(stored.integration_config_id.bytes()),
            integration_name: stored.integration_name.into_owned(),
            event: stored.event.into(),
            position: unsigned(stored.position),
            happened_at: timestamp(stored.happened_at),
            target: target(&stored.target_url, &stored.http_method)?,
            payload: stored.payload.map_or_else(Bytes::new, Into::into),
            scheduled_for: timestamp(stored.scheduled_for),
            series: stored.recurring_config.map(SeriesDocument::read).transpose()?,
            cancellation_keys: stored
                .call_off_keys
                .into_iter()
                .map(|key| CancellationKey(key.bytes()))
                .collect(),
            status: ScheduledStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            error: stored.error_message.map(Cow::into_owned),
            cancellation: stored.cancellation_info.map(Into::into),
            trace_id: stored.trace_id.into_owned(),
            keep_for: Duration::from_millis(unsigned(stored.keep_for_ms)),
            created_at: timestamp(stored.created_at),
            updated_at: timestamp(stored.updated_at),
        })
    }
}
