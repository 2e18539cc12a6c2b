//! Previews and tests of an integration: their requests and results.

use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_core::fault::Faults;
use ig_transform::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::OutboundDocument;
use crate::body::validated;

/// The preview to run: a draft or a stored integration, with a payload or a past event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PreviewRequest)]
pub(crate) struct PreviewRequest {
    /// A draft. Together with `integrationId`, its masks stand for the stored integration's secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<OutboundDocument>,
    /// A stored integration: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
    /// The index of the action, from 0; the first by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_index: Option<u16>,
    /// The payload: any JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ig_documents::json_text::nullable"
    )]
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// A past event with a stored payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type; the integration's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The entity that the event is about; the integration's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_rid: Option<i64>,
}
validated!(PreviewRequest);

/// The result of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum PreviewStatus {
    /// The request would be sent.
    Ok,
    /// Nothing would be sent.
    Skipped,
    /// The delivery would fail.
    Error,
}

/// The request that would be sent; a preview sends nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// The result.
    pub status: PreviewStatus,
    /// The transformed payload.
    pub output: Option<Value>,
    /// Why the delivery would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PreviewError>,
    /// The request, with credentials masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<PreviewedRequest>,
    /// What scripts wrote to their console.
    pub console: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<PreviewStep>,
    /// The total duration in milliseconds.
    pub duration_ms: f64,
}

/// Why a payload could not be transformed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PreviewError {
    /// A code for programs: `SCHEMA_VIOLATED`, `MAPPING_ERROR`, `SCRIPT_SYNTAX`, `SCRIPT_TIMEOUT` and so on.
    pub code: &'static str,
    /// A message for people.
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
    /// The HTTP method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// The headers in order, with credentials masked.
    #[schema(value_type = Vec<(String, String)>)]
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: String,
}

/// One step of a preview.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewStep {
    /// The step's name: `filter`, `condition` or `transform`.
    pub name: &'static str,
    /// The result of the step.
    pub detail: String,
    /// The duration in milliseconds.
    pub duration_ms: f64,
}

impl PreviewError {
    /// The payload violates the schema of its event type, which rejects such payloads.
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
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

/// The test to send.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TestRequest)]
pub(crate) struct TestRequest {
    /// The payload: any JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ig_documents::json_text::nullable"
    )]
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// A past event with a stored payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The index of a single action, from 0; all actions by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_index: Option<u16>,
}
validated!(TestRequest);

/// The result of a test, by action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The test's deliveries.
    pub results: Vec<TestResult>,
}

/// The result of one delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestResult {
    /// The action's index in the sequence.
    pub action_index: u16,
    /// DELIVERED, SKIPPED or FAILED; PENDING where the delivery is still running, and its log will hold the result.
    pub outcome: &'static str,
    /// The response status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// The error, as a category for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_category: Option<&'static str>,
    /// The error, as a message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The identifier of the delivery's log.
    pub log_id: String,
}

impl TestResult {
    /// The result of an action that is still running.
    pub(crate) fn pending(order: &DeliveryCommand) -> Self {
        Self {
            action_index: order.action_index,
            outcome: "PENDING",
            response_status: None,
            error_category: None,
            error_message: None,
            log_id: order.message_id.log_id(order.event_created_at).to_string(),
        }
    }

    /// The result of an action that no worker carried out.
    pub(crate) fn failed(order: &DeliveryCommand, reason: String) -> Self {
        Self {
            outcome: "FAILED",
            error_message: Some(reason),
            ..Self::pending(order)
        }
    }

    /// The result that a worker reports for an action.
    pub(crate) fn of(action_index: u16, report: CommandReport) -> Self {
        let CommandReport {
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
                CommandOutcome::Delivered => "DELIVERED",
                CommandOutcome::Skipped => "SKIPPED",
                CommandOutcome::Retryable | CommandOutcome::Refused | CommandOutcome::Held => "FAILED",
            },
            response_status,
            error_category,
            error_message,
            log_id: log_id.to_string(),
        }
    }
}
