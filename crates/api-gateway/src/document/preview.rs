//! Trying an integration out: what is asked, and what is answered.

use ig_core::fault::Faults;
use ig_core::order::{DeliveryOrder, OrderOutcome, OrderReport};
use ig_transform::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::OutboundIntegration;
use crate::body::shaped;

/// What to try: a draft or a stored integration, and a payload or a past event's.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PreviewRequest)]
pub(crate) struct PreviewAsked {
    /// A draft. With `integrationId` beside it, masks in it stand for the stored integration's secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<OutboundIntegration>,
    /// A stored integration: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
    /// Which of its actions, from 0; the first by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_index: Option<u16>,
    /// The payload: any JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::integration::given"
    )]
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// A past event whose payload was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type; the integration's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The entity that the event is about; the integration's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_rid: Option<i64>,
}
shaped!(PreviewAsked);

/// What came of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PreviewStatus {
    /// This would be sent.
    Ok,
    /// Nothing would be sent.
    Skipped,
    /// It would fail.
    Error,
}

/// What would be sent; nothing was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// What came of it.
    pub status: PreviewStatus,
    /// The payload in its new shape.
    pub output: Option<Value>,
    /// Why it would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PreviewError>,
    /// The request, credentials masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<PreviewedRequest>,
    /// What scripts wrote to their console.
    pub console: Vec<String>,
    /// What was done, in order.
    pub steps: Vec<PreviewStep>,
    /// Milliseconds that all of it took.
    pub duration_ms: f64,
}

/// Why a payload did not get its shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PreviewError {
    /// For programs: `SCHEMA_VIOLATED`, `MAPPING_ERROR`, `SCRIPT_SYNTAX`, `SCRIPT_TIMEOUT` and so on.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The line in the script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in the script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// The request that would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PreviewedRequest {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// The headers in order, credentials masked.
    #[schema(value_type = Vec<(String, String)>)]
    pub headers: Vec<(String, String)>,
    /// The body, to the byte.
    pub body: String,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewStep {
    /// What: `filter`, `condition` or `transform`.
    pub name: &'static str,
    /// What came of it.
    pub detail: String,
    /// Milliseconds that it took.
    pub duration_ms: f64,
}

impl PreviewError {
    /// The payload does not keep to the schema of its event type, which rejects such payloads.
    pub(crate) fn of_schema(faults: &Faults) -> Self {
        Self {
            code: "SCHEMA_VIOLATED",
            message: faults.to_string(),
            line: None,
            column: None,
        }
    }
}

impl From<Refusal> for PreviewError {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, message, position } = refusal;
        Self {
            code,
            message,
            line: position.map(|place| place.line),
            column: position.map(|place| place.column),
        }
    }
}

/// What to send as a test.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TestRequest)]
pub(crate) struct TestAsked {
    /// The payload: any JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::integration::given"
    )]
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// A past event whose payload was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// One action alone, from 0; all of them by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_index: Option<u16>,
}
shaped!(TestAsked);

/// What came of a test, action by action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The deliveries that were made.
    pub results: Vec<TestResult>,
}

/// What came of one delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestResult {
    /// The action's place in the sequence.
    pub action_index: u16,
    /// DELIVERED, SKIPPED or FAILED; PENDING where it has not ended yet: its log tells what comes of it.
    pub outcome: &'static str,
    /// The answered status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_category: Option<&'static str>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The delivery's log.
    pub log_id: String,
}

impl TestResult {
    /// An action that has not ended yet.
    pub(crate) fn pending(order: &DeliveryOrder) -> Self {
        Self {
            action_index: order.action_index,
            outcome: "PENDING",
            response_status: None,
            error_category: None,
            error_message: None,
            log_id: order.message_id.log_id(order.event_created_at).to_string(),
        }
    }

    /// An action that no worker carried out.
    pub(crate) fn failed(order: &DeliveryOrder, reason: String) -> Self {
        Self {
            outcome: "FAILED",
            error_message: Some(reason),
            ..Self::pending(order)
        }
    }

    /// What a worker reported of an action.
    pub(crate) fn of(action_index: u16, report: OrderReport) -> Self {
        let OrderReport {
            outcome,
            error,
            response_status,
            retry_after: _,
            log_id,
        } = report;
        let (error_category, error_message) = error.map(|(category, message)| (category.as_str(), message)).unzip();
        Self {
            action_index,
            outcome: match outcome {
                OrderOutcome::Delivered => "DELIVERED",
                OrderOutcome::Skipped => "SKIPPED",
                OrderOutcome::Retryable | OrderOutcome::Refused | OrderOutcome::Held => "FAILED",
            },
            response_status,
            error_category,
            error_message,
            log_id: log_id.to_string(),
        }
    }
}
