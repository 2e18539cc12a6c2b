//! A delivery with every attempt, as clients read it.

use std::collections::BTreeMap;

use bytes::Bytes;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::{Attempt, DeliveryLog, DeliveryStatus, Destination, EventRef, IntegrationRef, KeptBody};
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::Failure;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listing::listing;

/// A delivery with every attempt at it. Payloads are there where the integration keeps them, and not in lists.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryLog)]
pub(crate) struct DeliveryLogEntry {
    /// Its identifier.
    id: String,
    /// The message's identifier, which the target got as `webhook-id`.
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
    /// Whether it will be tried again.
    should_retry: bool,
    /// Where it went.
    target_url: String,
    /// By which method.
    http_method: &'static str,
    /// The last answered status.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// Milliseconds that the last attempt took.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<u64>,
    /// How many requests were sent.
    attempt_count: usize,
    /// Every request and its answer, in order.
    attempts: Vec<AttemptEntry>,
    /// Why it failed in the end, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// Why it failed in the end, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// The event's payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_payload: Option<Value>,
    /// What was sent, where it differs from the event's payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_payload: Option<Value>,
    /// The last answered body.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Value>,
    /// The request's headers, secrets masked.
    request_headers: BTreeMap<String, String>,
    /// The `webhook-signature` of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// What ties it to other systems' logs.
    correlation_id: String,
    /// The trace that it belongs to.
    trace_id: String,
    /// When the gateway took it up.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the target took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

/// One request and its answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
struct AttemptEntry {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Milliseconds that it took.
    duration_ms: u64,
    /// The answered status.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// The answered headers, secrets masked.
    response_headers: BTreeMap<String, String>,
    /// The answered body.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Value>,
    /// Whether more was answered than is kept.
    truncated: bool,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
}

listing! {
    /// A page of delivery logs, the latest first.
    DeliveryLogList { logs: DeliveryLogEntry }
}

impl DeliveryLogEntry {
    /// The columns of a table of deliveries.
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

    /// What stands in [`Self::COLUMNS`].
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
            original_payload: original_payload.as_ref().map(readable),
            request_payload: request_payload.as_ref().map(readable),
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
            response_body: response_body.map(|KeptBody { bytes, truncated: _ }| readable(&bytes)),
            error_message,
            error_category,
        }
    }
}

/// A body as JSON where it is, else as text.
pub(super) fn readable(bytes: &Bytes) -> Value {
    ig_core::json::parse(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// What came more than once is one list, as HTTP reads it.
fn by_name(headers: &HeaderLines) -> BTreeMap<String, String> {
    let mut named = BTreeMap::<String, String>::new();
    for (name, value) in headers.iter() {
        let named = named.entry(name.to_owned());
        let joined = named.and_modify(|earlier| earlier.extend([", ", value]));
        joined.or_insert_with(|| value.to_owned());
    }
    named
}
