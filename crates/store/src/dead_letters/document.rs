//! A dead letter as stored. It borrows on write and owns on read.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use ig_core::dead_letter::{DeadLetter, DeadLetterReason, DeadLetterStatus};
use ig_core::delivery_log::{DeliveryLog, Direction, EventRef, IntegrationRef};
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId, RedriveId, Rid, SourceId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::StoredDeadLetter;
use super::state::RetryDocument;
use crate::delivery_logs::read_category;
use crate::error::unreadable;
use crate::field::destination;
use crate::field::{Received, date, long, millis, object_id, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetterDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    message_id: Cow<'a, str>,
    org_id: i64,
    entity_rid: i64,
    integration_config_id: ObjectId,
    integration_name: Cow<'a, str>,
    action_name: Option<Cow<'a, str>>,
    action_index: i32,
    source: Cow<'a, str>,
    event_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    event_created_at: Option<bson::DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    direction: Cow<'a, str>,
    status: Cow<'a, str>,
    error_category: Option<Cow<'a, str>>,
    reason: Cow<'a, str>,
    original_payload: Option<Received<'a>>,
    target_url: Cow<'a, str>,
    http_method: Cow<'a, str>,
    last_error: Cow<'a, str>,
    attempt_count: i64,
    max_retries: i64,
    next_retry_at: Option<bson::DateTime>,
    trace_id: Cow<'a, str>,
    created_at: bson::DateTime,
    updated_at: bson::DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert_owed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redelivery: Option<RetryDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redrive_id: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redrive_open: Option<bool>,
    /// The retention after it is settled; letters from before this field existed are kept for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_for_ms: Option<i64>,
    /// When it expires; set only once it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<bson::DateTime>,
}

impl<'a> DeadLetterDocument<'a> {
    /// A new dead letter, with the retention of its delivery's log.
    pub(crate) fn new(letter: &'a DeadLetter, log: &DeliveryLog) -> Self {
        let DeadLetter {
            id,
            message_id,
            org_id,
            entity_rid,
            integration,
            event,
            position,
            direction,
            status,
            category,
            reason,
            original_payload,
            target,
            last_error,
            attempt_count,
            max_retries,
            next_retry_at,
            trace_id,
            created_at,
        } = letter;
        let keep_for = (log.expires_at - log.created_at).to_std().ok();
        Self {
            keep_for_ms: keep_for.map(millis),
            expires_at: keep_for
                .filter(|_| status.is_settled())
                .map(|keep_for| date(*created_at + keep_for)),
            id: object_id(id.0),
            message_id: message_id.to_string().into(),
            org_id: org_id.0,
            entity_rid: entity_rid.0,
            integration_config_id: object_id(integration.id.0),
            integration_name: integration.name.as_str().into(),
            action_name: integration.action_name.as_deref().map(Cow::from),
            action_index: i32::from(integration.action_index),
            source: event.source.as_str().into(),
            event_id: event.id.as_str().into(),
            event_type: event.event_type.as_str().into(),
            event_created_at: event.created_at.map(date),
            position: position.map(long),
            direction: direction.as_str().into(),
            status: status.as_str().into(),
            error_category: category.map(|category| category.as_str().into()),
            reason: reason.as_str().into(),
            original_payload: (!original_payload.is_empty()).then(|| Received::from(&original_payload[..])),
            target_url: target.url.to_string().into(),
            http_method: target.method.as_str().into(),
            last_error: last_error.as_str().into(),
            attempt_count: i64::from(*attempt_count),
            max_retries: i64::from(*max_retries),
            next_retry_at: next_retry_at.map(date),
            trace_id: trace_id.as_str().into(),
            created_at: date(*created_at),
            updated_at: date(*created_at),
            alert_owed: reason.is_alarming().then_some(true),
            redelivery: None,
            redrive_id: None,
            redrive_open: None,
        }
    }
}

impl TryFrom<DeadLetterDocument<'_>> for DeadLetter {
    type Error = StoreError;

    fn try_from(stored: DeadLetterDocument<'_>) -> Result<Self, StoreError> {
        let message_id: Result<_, _> = stored.message_id.parse();
        Ok(Self {
            id: LogId(stored.id.bytes()),
            message_id: message_id.map_err(|_| unreadable("messageId"))?,
            org_id: OrgId(stored.org_id),
            entity_rid: Rid(stored.entity_rid),
            integration: IntegrationRef {
                id: IntegrationId(stored.integration_config_id.bytes()),
                name: stored.integration_name.into_owned(),
                action_name: stored.action_name.map(Cow::into_owned),
                action_index: u16::try_from(stored.action_index).map_err(|_| unreadable("actionIndex"))?,
            },
            event: EventRef {
                source: SourceId::new(stored.source),
                id: EventId::new(stored.event_id),
                event_type: EventType::new(stored.event_type),
                created_at: stored.event_created_at.map(timestamp),
            },
            position: stored.position.map(unsigned),
            direction: Direction::parse(&stored.direction).ok_or_else(|| unreadable("direction"))?,
            status: DeadLetterStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            category: stored.error_category.map(|text| read_category(&text)).transpose()?,
            reason: DeadLetterReason::parse(&stored.reason).ok_or_else(|| unreadable("reason"))?,
            original_payload: stored.original_payload.map_or_else(Bytes::new, Into::into),
            target: destination(&stored.target_url, &stored.http_method)?,
            last_error: stored.last_error.into_owned(),
            attempt_count: u32::try_from(stored.attempt_count).map_err(|_| unreadable("attemptCount"))?,
            max_retries: u32::try_from(stored.max_retries).map_err(|_| unreadable("maxRetries"))?,
            next_retry_at: stored.next_retry_at.map(timestamp),
            trace_id: stored.trace_id.into_owned(),
            created_at: timestamp(stored.created_at),
        })
    }
}

impl TryFrom<DeadLetterDocument<'_>> for StoredDeadLetter {
    type Error = StoreError;

    fn try_from(mut stored: DeadLetterDocument<'_>) -> Result<Self, StoreError> {
        let redelivery = stored.redelivery.take().unwrap_or_default();
        let waits = stored.redrive_open.unwrap_or(false);
        let redrive = stored.redrive_id.filter(|_| waits);
        let updated_at = timestamp(stored.updated_at);
        let keep_for = stored.keep_for_ms.map(|keep_for| Duration::from_millis(unsigned(keep_for)));
        let expires_at = stored.expires_at.map(timestamp);
        let letter = DeadLetter::try_from(stored)?;
        Ok(Self {
            retry_progress: redelivery.read(&letter)?,
            redrive: redrive.map(|id| RedriveId(id.bytes())),
            letter,
            keep_for,
            updated_at,
            expires_at,
        })
    }
}
