//! Delivery logs with every attempt, as clients read them.

use std::collections::BTreeMap;

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{Attempt, BodyExcerpt, DeliveryLog, DeliveryStatus, Destination, EventRef, IntegrationRef};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::Failure;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::listing;

/// A delivery with all its attempts. Payloads are present where the integration keeps them, and never in lists.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryLog)]
pub(crate) struct DeliveryLogEntry {
    /// The log's identifier.
    id: String,
    /// The message's identifier, which the target receives as `webhook-id`.
    message_id: String,
    /// The organisation.
    org_id: i64,
    /// The integration.
    integration_config_id: String,
    /// The integration's name at the time.
    integration_name: String,
    /// The action's name, where the integration has actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    action_name: Option<String>,
    /// The action's place in the sequence, from 0.
    action_index: u16,
    /// The source of the event.
    source: String,
    /// The event's identifier within its source.
    event_id: String,
    /// The event's type.
    event_type: String,
    /// OUTBOUND or INBOUND.
    direction: &'static str,
    /// EVENT, MANUAL or SCHEDULED.
    trigger_type: &'static str,
    /// SUCCESS, FAILED, RETRYING, ABANDONED or SKIPPED.
    status: &'static str,
    /// Whether the delivery will be retried.
    should_retry: bool,
    /// The target address.
    target_url: String,
    /// The HTTP method.
    http_method: &'static str,
    /// The last response status.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// The duration of the last attempt in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<u64>,
    /// How many requests were sent.
    attempt_count: usize,
    /// Every request with its response, in order.
    attempts: Vec<AttemptEntry>,
    /// The final error, as a message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// The final error, as a category for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// The event's payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_payload: Option<Value>,
    /// The request body, where it differs from the event's payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_payload: Option<Value>,
    /// The last response body.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Value>,
    /// The request headers, with secrets masked.
    request_headers: BTreeMap<String, String>,
    /// The `webhook-signature` of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The identifier that other systems log as well.
    correlation_id: String,
    /// The identifier of its trace.
    trace_id: String,
    /// When the gateway accepted the delivery.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the target accepted the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

/// One request and its response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
struct AttemptEntry {
    /// When the request began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// The duration in milliseconds.
    duration_ms: u64,
    /// The response status.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// The response headers, with secrets masked.
    response_headers: BTreeMap<String, String>,
    /// The response body.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Value>,
    /// Whether the stored response body is truncated.
    truncated: bool,
    /// The error, as a message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// The error, as a category for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
}

listing! {
    /// A page of delivery logs, the latest first.
    DeliveryLogList { logs: DeliveryLogEntry }
}

impl DeliveryLogEntry {
    /// The columns of an exported table of deliveries.
    pub(crate) const COLUMNS: [&str; 19] = [
        "id",
        "messageId",
        "createdAt",
        "deliveredAt",
        "status",
        "eventType",
        "source",
        "eventId",
        "integrationConfigId",
        "integrationName",
        "actionName",
        "direction",
        "triggerType",
        "httpMethod",
        "targetUrl",
        "responseStatus",
        "responseTimeMs",
        "attemptCount",
        "errorMessage",
    ];

    /// The cells below [`Self::COLUMNS`].
    pub(crate) fn cells(&self) -> [String; 19] {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        [
            self.id.clone(),
            self.message_id.clone(),
            self.created_at.to_rfc3339(),
            self.delivered_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            self.status.to_owned(),
            self.event_type.clone(),
            self.source.clone(),
            self.event_id.clone(),
            self.integration_config_id.clone(),
            self.integration_name.clone(),
            self.action_name.clone().unwrap_or_default(),
            self.direction.to_owned(),
            self.trigger_type.to_owned(),
            self.http_method.to_owned(),
            self.target_url.clone(),
            number(self.response_status.map(u64::from)),
            number(self.response_time_ms),
            self.attempt_count.to_string(),
            self.error_message.clone().unwrap_or_default(),
        ]
    }
}

impl From<DeliveryLog> for DeliveryLogEntry {
    fn from(log: DeliveryLog) -> Self {
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
            expires_at: _,
        } = log;
        let IntegrationRef {
            id: integration_id,
            name: integration_name,
            action_name,
            action_index,
        } = integration;
        let EventRef {
            source,
            id: event_id,
            event_type,
            created_at: _,
        } = event;
        let Destination { url, method } = target;
        let (error_category, error_message) = error.map(|(category, message)| (category.as_str(), message)).unzip();
        let attempts: Vec<AttemptEntry> = attempts.into_iter().map(AttemptEntry::from).collect();
        let last = attempts.last();
        Self {
            id: id.to_string(),
            message_id: message_id.to_string(),
            org_id: org_id.0,
            integration_config_id: integration_id.to_string(),
            integration_name,
            action_name,
            action_index,
            source: source.to_string(),
            event_id: event_id.to_string(),
            event_type: event_type.to_string(),
            direction: direction.as_str(),
            trigger_type: trigger.as_str(),
            status: status.as_str(),
            should_retry: status == DeliveryStatus::Retrying,
            target_url: url.to_string(),
            http_method: method.as_str(),
            response_status: last.and_then(|attempt| attempt.response_status),
            response_time_ms: last.map(|attempt| attempt.duration_ms),
            response_body: last.and_then(|attempt| attempt.response_body.clone()),
            attempt_count: attempts.len(),
            attempts,
            error_message,
            error_category,
            original_payload: original_payload.as_ref().map(json_or_text),
            request_payload: request_payload.as_ref().map(json_or_text),
            request_headers: by_name(&request_headers),
            signature,
            correlation_id,
            trace_id,
            created_at,
            delivered_at,
        }
    }
}

impl From<Attempt> for AttemptEntry {
    fn from(attempt: Attempt) -> Self {
        let Attempt {
            started_at,
            duration,
            response_status,
            response_headers,
            response_body,
            failure,
        } = attempt;
        let (error_category, error_message) = failure
            .map(
                |Failure {
                     category,
                     message,
                     retry_after: _,
                 }| (category.as_str(), message),
            )
            .unzip();
        Self {
            started_at,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            response_status,
            response_headers: by_name(&response_headers),
            truncated: response_body.as_ref().is_some_and(|body| body.truncated),
            response_body: response_body.map(|BodyExcerpt { bytes, truncated: _ }| json_or_text(&bytes)),
            error_message,
            error_category,
        }
    }
}

/// A body as JSON where it parses, else as text.
pub(super) fn json_or_text(bytes: &Bytes) -> Value {
    ig_core::json::parse(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// The headers by name. Repeated headers become one comma-separated list, as HTTP defines it.
pub(super) fn by_name(headers: &HeaderLines) -> BTreeMap<String, String> {
    let mut named = BTreeMap::<String, String>::new();
    for (name, value) in headers.iter() {
        let named = named.entry(name.to_owned());
        let joined = named.and_modify(|earlier| earlier.extend([", ", value]));
        joined.or_insert_with(|| value.to_owned());
    }
    named
}
