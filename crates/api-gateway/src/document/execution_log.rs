//! Delivery traces step by step, as clients read them.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryLog, Destination};
use ig_store::{StoredStep, StoredTrace};
use serde::Serialize;
use utoipa::ToSchema;

use super::listing::listing;
use super::milliseconds;

/// The steps of a delivery. Its payloads are in the delivery log with the same identifier.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExecutionLog)]
pub(crate) struct ExecutionLogEntry {
    /// The trace's identifier, shared with its delivery log.
    id: String,
    /// The identifier of its trace.
    trace_id: String,
    /// The message's identifier.
    message_id: String,
    /// The organisation.
    org_id: i64,
    /// The integration.
    integration_config_id: String,
    /// The integration's name at the time.
    integration_name: String,
    /// The event's identifier within its source.
    event_id: String,
    /// The event's type.
    event_type: String,
    /// OUTBOUND or INBOUND.
    direction: &'static str,
    /// SUCCESS, FAILED, RETRYING, ABANDONED or SKIPPED.
    status: &'static str,
    /// The error, as a category for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// The error, as a message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// The last response status.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// The target address.
    target_url: String,
    /// The HTTP method.
    http_method: &'static str,
    /// The steps, in order.
    steps: Vec<StepEntry>,
    /// What scripts wrote to their console.
    console: Vec<String>,
    /// When the gateway accepted the delivery.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the target accepted the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

/// One step of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Step)]
struct StepEntry {
    /// The step's name, such as `transform` or `attempt`.
    name: String,
    /// Milliseconds since the delivery began.
    offset_ms: f64,
    /// The duration in milliseconds.
    duration_ms: f64,
    /// The result in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

listing! {
    /// A page of traces, the latest first.
    ExecutionLogList { execution_logs: ExecutionLogEntry }
}

impl From<StoredTrace> for ExecutionLogEntry {
    fn from(trace: StoredTrace) -> Self {
        let StoredTrace {
            delivery,
            steps,
            console,
        } = trace;
        let response_status = delivery.attempts.last().and_then(|attempt| attempt.response_status);
        let DeliveryLog {
            id,
            message_id,
            org_id,
            integration,
            event,
            direction,
            status,
            target,
            error,
            trace_id,
            created_at,
            delivered_at,
            ..
        } = delivery;
        let Destination { url, method } = target;
        let (error_category, error_message) = error.map(|(category, message)| (category.as_str(), message)).unzip();
        Self {
            id: id.to_string(),
            trace_id,
            message_id: message_id.to_string(),
            org_id: org_id.0,
            integration_config_id: integration.id.to_string(),
            integration_name: integration.name,
            event_id: event.id.to_string(),
            event_type: event.event_type.to_string(),
            direction: direction.as_str(),
            status: status.as_str(),
            error_category,
            error_message,
            response_status,
            target_url: url.to_string(),
            http_method: method.as_str(),
            steps: steps.into_iter().map(StepEntry::from).collect(),
            console,
            created_at,
            delivered_at,
        }
    }
}

impl From<StoredStep> for StepEntry {
    fn from(step: StoredStep) -> Self {
        let StoredStep {
            name,
            offset,
            duration,
            detail,
        } = step;
        Self {
            name,
            offset_ms: milliseconds(offset),
            duration_ms: milliseconds(duration),
            detail,
        }
    }
}
