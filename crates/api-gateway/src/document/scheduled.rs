//! Scheduled deliveries, as clients read and change them.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::EventRef;
use ig_core::fault::Faults;
use ig_core::integration::Target;
use ig_core::schedule::Schedule;
use ig_core::scheduled::{Cancellation, ScheduledDelivery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::delivery_log::json_or_text;
use super::listing::listing;
use crate::body::validated;
use ig_documents::text::{line, prefix_faults};
use ig_documents::{ScheduleMode, SchedulingConfig};

/// A delivery that is scheduled for a later time, whether pending or processed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduledIntegration)]
pub(crate) struct ScheduledEntry {
    /// The identifier, shared with the delivery log of its first request.
    id: String,
    /// The message's identifier, which the target receives as `webhook-id`.
    message_id: String,
    /// The organisation.
    org_id: i64,
    /// The entity that the event is about.
    tenant_id: i64,
    /// The integration.
    integration_config_id: String,
    /// The integration's name at the time of scheduling.
    integration_name: String,
    /// The source of the event.
    source: String,
    /// The event's identifier within its source.
    original_event_id: String,
    /// The event's type.
    event_type: String,
    /// When the delivery is due.
    #[schema(value_type = String, format = DateTime)]
    scheduled_for: Timestamp,
    /// PENDING, COMPLETED, FAILED or CANCELLED.
    status: &'static str,
    /// The event's payload; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    /// The target address.
    target_url: String,
    /// The HTTP method.
    http_method: &'static str,
    /// Why it failed; its dead letter has the details.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    /// How it was cancelled, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_info: Option<CancellationInfo>,
    /// Its place in a recurring schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring_config: Option<RecurringConfig>,
    /// The identifier of its trace.
    trace_id: String,
    /// When it was scheduled.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// How a delivery was cancelled, and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CancellationInfo {
    /// The reason.
    reason: String,
    /// When it was cancelled.
    #[schema(value_type = String, format = DateTime)]
    cancelled_at: Timestamp,
    /// The event that cancelled it, unless a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// That event's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
}

/// A delivery's place in a recurring schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RecurringConfig {
    /// The number of the occurrence, from 1.
    occurrence: u32,
    /// The `schedulingConfig` when the event arrived.
    config: Option<Value>,
    /// The tenant's timezone, for a schedule without one.
    timezone: &'static str,
}

listing! {
    /// A page of scheduled deliveries, the latest due time first.
    ScheduledList { scheduled_integrations: ScheduledEntry }
}

impl From<ScheduledDelivery> for ScheduledEntry {
    fn from(delivery: ScheduledDelivery) -> Self {
        let message_id = delivery.message_id(0);
        let ScheduledDelivery {
            id,
            org_id,
            entity_rid,
            integration,
            integration_name,
            event,
            position: _,
            happened_at: _,
            target: Target { url, method },
            payload,
            scheduled_for,
            series,
            cancellation_keys: _,
            status,
            error,
            cancellation,
            trace_id,
            keep_for: _,
            created_at,
            updated_at,
        } = delivery;
        let EventRef {
            source,
            id: event_id,
            event_type,
            created_at: _,
        } = event;
        Self {
            id: id.to_string(),
            message_id: message_id.to_string(),
            org_id: org_id.0,
            tenant_id: entity_rid.0,
            integration_config_id: integration.to_string(),
            integration_name,
            source: source.to_string(),
            original_event_id: event_id.to_string(),
            event_type: event_type.to_string(),
            scheduled_for,
            status: status.as_str(),
            payload: (!payload.is_empty()).then(|| json_or_text(&payload)),
            target_url: url.to_string(),
            http_method: method.as_str(),
            error_message: error,
            cancellation_info: cancellation.map(Into::into),
            recurring_config: series.map(|series| RecurringConfig {
                occurrence: series.number,
                config: series.schedule.config().cloned(),
                timezone: series.zone.name(),
            }),
            trace_id,
            created_at,
            updated_at,
        }
    }
}

impl From<Cancellation> for CancellationInfo {
    fn from(cancellation: Cancellation) -> Self {
        let Cancellation { reason, event, at } = cancellation;
        let (event_id, event_type) = event
            .map(|event| (event.id.to_string(), event.event_type.to_string()))
            .unzip();
        Self {
            reason,
            cancelled_at: at,
            event_id,
            event_type,
        }
    }
}

/// A cancellation of a delivery.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScheduledCancellation {
    /// The reason, for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
validated!(ScheduledCancellation);

impl ScheduledCancellation {
    /// The reason, where the client gives one.
    pub(crate) fn validated_reason(self) -> Result<Option<String>, Faults> {
        let Self { reason } = self;
        let reason = reason
            .map(|reason| prefix_faults("/reason", line(&reason, 500)))
            .transpose()?;
        Ok(reason.filter(|reason| !reason.trim().is_empty()))
    }
}

/// A new time for a delivery.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScheduledMove {
    /// The new time; a past time means immediately.
    #[schema(value_type = String, format = DateTime)]
    pub scheduled_for: Timestamp,
}
validated!(ScheduledMove);

/// A schedule to preview: one in the request, or that of a stored integration.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SchedulePreviewRequest)]
pub(crate) struct SchedulePreviewRequest {
    /// A stored integration: 24 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
    /// The mode of the schedule in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_mode: Option<ScheduleMode>,
    /// The details of the schedule in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_config: Option<SchedulingConfig>,
    /// The payload that a schedule may take the time from: any JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "ig_documents::json_text::nullable"
    )]
    #[schema(value_type = Option<Value>)]
    pub payload: Option<Value>,
    /// When the event arrives; now by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub event_at: Option<Timestamp>,
    /// How many times to compute; 5 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub count: Option<u8>,
}
validated!(SchedulePreviewRequest);

impl SchedulePreviewRequest {
    /// The schedule in the request, in this mode.
    pub(crate) fn schedule(&self, mode: ScheduleMode) -> Result<Schedule, Faults> {
        let schedule = SchedulingConfig::into_domain(mode, self.scheduling_config.clone());
        prefix_faults("/schedulingConfig", schedule)
    }
}

/// When deliveries of a schedule would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleTimes {
    /// The times, in ascending order.
    #[schema(value_type = Vec<String>)]
    pub occurrences: Vec<Timestamp>,
}
