//! Dead letters, as clients read them.

use ig_core::clock::Timestamp;
use ig_core::dead_letter::DeadLetter;
use ig_core::dead_letter_retry::{DeadLetterState, RetryProgress};
use ig_core::delivery_log::{Destination, EventRef, IntegrationRef};
use ig_core::id::{LogId, RedriveId};
use ig_core::outcome::ErrorCategory;
use ig_store::{StoredDeadLetter, StoredTrace};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ExecutionLogEntry;
use super::delivery_log::json_or_text;
use super::listing::listing;

/// A delivery that failed. It stays here until it is delivered or abandoned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DlqEntry {
    /// The dead letter's identifier, shared with its delivery log.
    id: String,
    /// The message's identifier.
    message_id: String,
    /// The organisation.
    org_id: i64,
    /// The entity that the event is about.
    entity_rid: i64,
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
    /// `PENDING_RETRY`, RETRYING, ABANDONED or RESOLVED.
    status: &'static str,
    /// The class of the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_category: Option<&'static str>,
    /// Why the delivery became a dead letter.
    reason: &'static str,
    /// The event's payload; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_payload: Option<Value>,
    /// The target address.
    target_url: String,
    /// The HTTP method.
    http_method: &'static str,
    /// The last error.
    last_error: String,
    /// How many requests were sent so far.
    attempt_count: u32,
    /// How often the dead letter was retried.
    retries: u32,
    /// How many retries it gets at most.
    max_retries: u32,
    /// When the next retry is due; absent while an open circuit breaker holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_retry_at: Option<Timestamp>,
    /// The identifier of its trace.
    trace_id: String,
    /// Why it was abandoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    abandoned_reason: Option<String>,
    /// The log of the delivery that succeeded in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_log_id: Option<String>,
    /// The redrive that has queued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    redrive_id: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it is deleted. The organisation's retention period starts when it is resolved or abandoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The steps of the delivery, including its retries; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_log: Option<ExecutionLogEntry>,
}

listing! {
    /// A page of dead letters, the latest first.
    DlqEntryList { entries: DlqEntry }
}

impl DlqEntry {
    /// The entry with the steps of its delivery, where a trace is stored.
    pub(crate) fn with_trace(stored: StoredDeadLetter, trace: Option<StoredTrace>) -> Self {
        Self {
            execution_log: trace.map(ExecutionLogEntry::from),
            ..Self::from(stored)
        }
    }
}

impl From<StoredDeadLetter> for DlqEntry {
    fn from(stored: StoredDeadLetter) -> Self {
        let StoredDeadLetter {
            letter,
            retry_progress,
            redrive,
            keep_for: _,
            updated_at,
            expires_at,
        } = stored;
        let RetryProgress {
            state,
            retries,
            manual: _,
        } = retry_progress;
        let DeadLetter {
            id,
            message_id,
            org_id,
            entity_rid,
            integration,
            event,
            position: _,
            direction,
            status,
            category,
            reason,
            original_payload,
            target,
            last_error,
            attempt_count,
            max_retries,
            next_retry_at: _,
            trace_id,
            created_at,
        } = letter;
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
        let (next_retry_at, abandoned_reason, log) = state_details(state);
        Self {
            id: id.to_string(),
            message_id: message_id.to_string(),
            org_id: org_id.0,
            entity_rid: entity_rid.0,
            integration_config_id: integration_id.to_string(),
            integration_name,
            action_name,
            action_index,
            source: source.to_string(),
            event_id: event_id.to_string(),
            event_type: event_type.to_string(),
            direction: direction.as_str(),
            status: status.as_str(),
            error_category: category.map(ErrorCategory::as_str),
            reason: reason.as_str(),
            original_payload: (!original_payload.is_empty()).then(|| json_or_text(&original_payload)),
            target_url: url.to_string(),
            http_method: method.as_str(),
            last_error,
            attempt_count,
            retries,
            max_retries,
            next_retry_at,
            trace_id,
            abandoned_reason,
            delivery_log_id: log.map(|id| id.to_string()),
            redrive_id: redrive.as_ref().map(RedriveId::to_string),
            created_at,
            updated_at,
            expires_at,
            execution_log: None,
        }
    }
}

/// The due time, the reason for abandoning and the final delivery log, each where the state has it.
fn state_details(state: DeadLetterState) -> (Option<Timestamp>, Option<String>, Option<LogId>) {
    match state {
        DeadLetterState::Pending { due_at } => (Some(due_at), None, None),
        DeadLetterState::Held | DeadLetterState::Retrying { .. } => (None, None, None),
        DeadLetterState::Abandoned { reason } => (None, Some(reason), None),
        DeadLetterState::Resolved { log } => (None, None, Some(log)),
    }
}
