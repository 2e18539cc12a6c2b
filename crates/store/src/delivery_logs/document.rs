//! A delivery as stored. It borrows on write and owns on read.

use std::borrow::Cow;

use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, Direction, EventRef, IntegrationRef, TriggerType};
use ig_core::header_lines::HeaderLines;
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId, SourceId};
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::attempt::AttemptDocument;
use super::document_budget::DocumentBudget;
use crate::error::unreadable;
use crate::field::destination;
use crate::field::{Received, date, millis, object_id, timestamp};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    integration_config_id: ObjectId,
    integration_name: Cow<'a, str>,
    org_id: i64,
    source: Cow<'a, str>,
    event_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_created_at: Option<bson::DateTime>,
    direction: Cow<'a, str>,
    status: Cow<'a, str>,
    target_url: Cow<'a, str>,
    http_method: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i32>,
    response_time_ms: i64,
    attempt_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_payload: Option<Received<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_payload: Option<Received<'a>>,
    /// One line `name: value` for each.
    request_headers: Cow<'a, str>,
    /// Absent where it equals the trace id: nothing is stored or indexed twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<Cow<'a, str>>,
    trace_id: Cow<'a, str>,
    message_id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Cow<'a, str>>,
    trigger_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_name: Option<Cow<'a, str>>,
    action_index: i32,
    should_retry: bool,
    attempts: Vec<AttemptDocument<'a>>,
    created_at: bson::DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<bson::DateTime>,
    expires_at: bson::DateTime,
}

impl<'a> From<&'a DeliveryLog> for DeliveryDocument<'a> {
    fn from(log: &'a DeliveryLog) -> Self {
        let DeliveryLog {
            id,
            message_id,
            org_id,
            integration,
            event,
            direction,
            trigger,
            status,
            target,
            attempts,
            error,
            original_payload,
            request_payload,
            request_headers,
            signature,
            correlation_id,
            trace_id,
            created_at,
            delivered_at,
            expires_at,
        } = log;
        let mut budget = DocumentBudget::new();
        let original_payload = original_payload.as_deref().and_then(|payload| budget.take(payload));
        let request_payload = request_payload.as_deref().and_then(|payload| budget.take(payload));
        let response_time = attempts.last().map(|attempt| attempt.duration).unwrap_or_default();
        let attempts: Vec<_> = attempts
            .iter()
            .map(|attempt| AttemptDocument::new(attempt, &mut budget))
            .collect();
        Self {
            id: object_id(id.0),
            integration_config_id: object_id(integration.id.0),
            integration_name: integration.name.as_str().into(),
            org_id: org_id.0,
            source: event.source.as_str().into(),
            event_id: event.id.as_str().into(),
            event_type: event.event_type.as_str().into(),
            event_created_at: event.created_at.map(date),
            direction: direction.as_str().into(),
            status: status.as_str().into(),
            target_url: target.url.to_string().into(),
            http_method: target.method.as_str().into(),
            response_status: attempts.last().and_then(AttemptDocument::status),
            response_time_ms: millis(response_time),
            attempt_count: attempts.len().try_into().unwrap_or(i64::MAX),
            error_category: error.as_ref().map(|(category, _)| category.as_str().into()),
            error_message: error.as_ref().map(|(_, message)| message.as_str().into()),
            original_payload: original_payload.map(Received::from),
            request_payload: request_payload.map(Received::from),
            request_headers: request_headers.as_str().into(),
            correlation_id: (correlation_id != trace_id).then(|| correlation_id.as_str().into()),
            trace_id: trace_id.as_str().into(),
            message_id: message_id.to_string().into(),
            signature: signature.as_deref().map(Cow::from),
            trigger_type: trigger.as_str().into(),
            action_name: integration.action_name.as_deref().map(Cow::from),
            action_index: i32::from(integration.action_index),
            should_retry: *status == DeliveryStatus::Retrying,
            attempts,
            created_at: date(*created_at),
            delivered_at: delivered_at.map(date),
            expires_at: date(*expires_at),
        }
    }
}

impl TryFrom<DeliveryDocument<'_>> for DeliveryLog {
    type Error = StoreError;

    fn try_from(stored: DeliveryDocument<'_>) -> Result<Self, StoreError> {
        let message = stored.error_message.unwrap_or_default().into_owned();
        let category = stored.error_category.map(|text| read_category(&text)).transpose()?;
        let message_id: Result<_, _> = stored.message_id.parse();
        let trace_id = stored.trace_id.into_owned();
        Ok(Self {
            id: LogId(stored.id.bytes()),
            message_id: message_id.map_err(|_| unreadable("messageId"))?,
            org_id: OrgId(stored.org_id),
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
            direction: Direction::parse(&stored.direction).ok_or_else(|| unreadable("direction"))?,
            trigger: TriggerType::parse(&stored.trigger_type).ok_or_else(|| unreadable("triggerType"))?,
            status: DeliveryStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            target: destination(&stored.target_url, &stored.http_method)?,
            attempts: stored
                .attempts
                .into_iter()
                .map(AttemptDocument::read)
                .collect::<Result<_, _>>()?,
            error: category.map(|category| (category, message)),
            original_payload: stored.original_payload.map(Into::into),
            request_payload: stored.request_payload.map(Into::into),
            request_headers: HeaderLines::read(stored.request_headers),
            signature: stored.signature.map(Cow::into_owned),
            correlation_id: stored.correlation_id.map_or_else(|| trace_id.clone(), Cow::into_owned),
            trace_id,
            created_at: timestamp(stored.created_at),
            delivered_at: stored.delivered_at.map(timestamp),
            expires_at: timestamp(stored.expires_at),
        })
    }
}

pub(crate) fn read_category(text: &str) -> Result<ErrorCategory, StoreError> {
    ErrorCategory::parse(text).ok_or_else(|| unreadable("errorCategory"))
}
