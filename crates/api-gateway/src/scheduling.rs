//! Operations on scheduled deliveries, which scheduler carries out.

use bytes::Bytes;
use chrono::Utc;
use ig_core::event::Payload;
use ig_core::fault::Faults;
use ig_core::id::{EventType, IntegrationId, OrgId, Rid, ScheduledId};
use ig_core::integration::{DEFAULT_SCRIPT_TIMEOUT, Integration};
use ig_core::schedule::{Schedule, ScheduleMode, Scheduling, Zone};
use ig_core::scheduled::{CancelDelivery, PreviewSchedule, RescheduleDelivery};
use ig_transform::{CompiledScript, Subject, TransformError};
use serde_json::{Value, json};

use crate::document::{SchedulePreviewRequest, ScheduleTimes, ScheduledCancellation, ScheduledMove};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::path;
use crate::resources::resource;

/// How many times a preview shows by default.
const DEFAULT_COUNT: usize = 5;

/// Cancels a pending delivery.
pub(crate) async fn cancel(
    gateway: &Gateway,
    org_id: OrgId,
    id: ScheduledId,
    cancellation: ScheduledCancellation,
) -> Result<(), ApiError> {
    let reason = cancellation
        .validated_reason()?
        .unwrap_or_else(|| "Cancelled by hand.".to_owned());
    gateway.schedulers().cancel(&CancelDelivery { org_id, id, reason }).await
}

/// Cancels the pending deliveries of a deleted integration, or of a whole organisation. Those that cannot be cancelled now are cancelled
/// when due, since their integration no longer exists then.
pub(crate) async fn cancel_all(gateway: &Gateway, org: OrgId, integration: Option<IntegrationId>, reason: &str) {
    let deliveries = gateway.store().scheduled_deliveries();
    if let Err(error) = deliveries.cancel_all(org, integration, reason, Utc::now()).await {
        tracing::warn!(%error, %org, "what is pending cannot be called off now; it is when it is due");
    }
}

/// Reschedules a pending delivery.
pub(crate) async fn reschedule(
    gateway: &Gateway,
    org_id: OrgId,
    id: ScheduledId,
    request: ScheduledMove,
) -> Result<(), ApiError> {
    let at = request.scheduled_for;
    gateway.schedulers().reschedule(&RescheduleDelivery { org_id, id, at }).await
}

/// The times at which a schedule makes deliveries.
pub(crate) async fn preview(gateway: &Gateway, org: OrgId, request: SchedulePreviewRequest) -> Result<ScheduleTimes, ApiError> {
    let count = request.count.map_or(DEFAULT_COUNT, usize::from);
    let payload = request.payload.clone().unwrap_or(Value::Null);
    let (schedule, integration) = find_schedule(gateway, org, &request).await?;
    let entity = integration
        .as_ref()
        .map_or(org.as_entity(), |integration| integration.tenant_id);
    let (schedule, payload) = resolve_script(gateway, org, entity, schedule, payload, integration.as_ref()).await?;
    let zone = gateway
        .feed()
        .configuration()
        .org(org)
        .map(|org| org.zone(entity))
        .unwrap_or_default();
    let preview = PreviewSchedule {
        schedule,
        payload,
        count,
        zone,
        event_at: request.event_at,
    };
    let occurrences = gateway.schedulers().preview(&preview).await?;
    Ok(ScheduleTimes { occurrences })
}

/// The given schedule, or that of a stored integration.
async fn find_schedule(
    gateway: &Gateway,
    org: OrgId,
    request: &SchedulePreviewRequest,
) -> Result<(Schedule, Option<Integration>), ApiError> {
    let stored = match &request.integration_id {
        Some(id) => Some(resource::get(gateway, org, &path::integration(id)?).await?),
        None => None,
    };
    match (request.scheduling_mode, &stored) {
        (Some(mode), _) => Ok((request.schedule(mode)?, stored)),
        (None, Some(integration)) => Ok((integration.schedule.clone(), stored)),
        (None, None) => Err(ApiError::fault(
            "/schedulingMode",
            "is required, unless integrationId is given",
        )),
    }
}

/// Runs a schedule's script here and replaces the script by the time that it returns.
async fn resolve_script(
    gateway: &Gateway,
    org: OrgId,
    entity: Rid,
    schedule: Schedule,
    payload: Value,
    integration: Option<&Integration>,
) -> Result<(Schedule, Value), ApiError> {
    let Scheduling::Delayed(delay) = schedule.when() else {
        return Ok((schedule, payload));
    };
    let Some(source) = delay.script() else {
        return Ok((schedule, payload));
    };
    let event_type = EventType::new("preview");
    let subject = Subject {
        org_id: org,
        entity_rid: entity,
        integration: integration.map_or(IntegrationId([0; 12]), |integration| integration.id),
        event_type: &event_type,
        now: Utc::now(),
    };
    let timeout = integration.map_or(DEFAULT_SCRIPT_TIMEOUT, |integration| integration.script_timeout);
    let script = CompiledScript::new(source, timeout);
    let raw = Bytes::from(payload.to_string());
    let output = gateway
        .transformer()
        .on_trial()
        .evaluate_script(&script, &Payload { raw, json: payload }, &subject)
        .await;
    let value = output.result.map_err(to_api_error)?.unwrap_or(Value::Null);
    let zone = delay.zone().map(Zone::name);
    let schedule = Schedule::read(ScheduleMode::Delayed, Some(&json!({"at": "told", "timezone": zone})))?;
    Ok((schedule, json!({ "told": value })))
}

fn to_api_error(error: TransformError) -> ApiError {
    match error {
        TransformError::Refused(refusal) | TransformError::Disabled(refusal, _) => {
            Faults::single("/schedulingConfig/script", refusal.to_string()).into()
        }
        TransformError::Unavailable(reason) => {
            tracing::warn!(reason, "a script cannot be run");
            ApiError::unavailable("Scripts cannot be run now, please try again")
        }
    }
}
