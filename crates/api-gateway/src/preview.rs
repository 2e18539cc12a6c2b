//! Trying integrations out: previews and test deliveries.

use bytes::Bytes;
use ig_core::event_type::EventTypeDefinition;
use ig_core::id::{EventId, EventType, OrgId};
use ig_core::integration::{EventPattern, Integration};
use ig_store::{LogFilter, Page};
use serde_json::Value;

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::resources::resource;

pub(crate) mod data_source;
pub(crate) mod dry_run;
pub(crate) mod test_delivery;

/// The source of events that people make up.
const MANUAL_SOURCE: &str = "manual";
/// How many deliveries of an event are searched for its payload: some integrations store none.
const MAX_LOGS: u32 = 10;

/// The payload to try: the given one, or a past event's.
async fn load_payload(
    gateway: &Gateway,
    org: OrgId,
    given: Option<Value>,
    event: Option<String>,
) -> Result<Option<Bytes>, ApiError> {
    match (given, event) {
        (Some(_), Some(_)) => Err(ApiError::fault("/eventId", "must not be given beside payload")),
        (Some(payload), None) => Ok(Some(Bytes::from(payload.to_string()))),
        (None, Some(event)) => load_past_payload(gateway, org, &EventId::new(event)).await.map(Some),
        (None, None) => Ok(None),
    }
}

/// A past event's payload, as pushed or as a delivery log stored it.
async fn load_past_payload(gateway: &Gateway, org: OrgId, event: &EventId) -> Result<Bytes, ApiError> {
    // Logs name a pushed event with the organisation prefix; its client names it without.
    let pushed_as = event.as_str().strip_prefix(&format!("{org}:"));
    let pushed_as = pushed_as.map_or_else(|| event.clone(), EventId::new);
    if let Some(pushed) = gateway.store().pushed_events().payload(org, &pushed_as).await? {
        return Ok(pushed);
    }
    let logs = gateway.store().delivery_logs();
    let filter = LogFilter {
        event_id: Some(event.clone()),
        ..LogFilter::default()
    };
    for log in logs.list(org, &filter, Page::first(MAX_LOGS)).await?.items {
        let whole = logs.get(org, log.id).await?;
        if let Some(payload) = whole.and_then(|log| log.original_payload) {
            return Ok(payload);
        }
    }
    Err(ApiError::not_found("Event whose payload was kept"))
}

/// The sample payload of an integration's event type.
async fn load_sample(gateway: &Gateway, integration: &Integration) -> Result<Option<Bytes>, ApiError> {
    let EventPattern::Exact(event_type) = &integration.events else {
        return Ok(None);
    };
    let found = resource::get_existing::<EventTypeDefinition>(gateway, integration.org_id, event_type).await?;
    let sample = found.and_then(|definition| definition.sample_payload);
    Ok(sample.map(|payload| Bytes::from(payload.to_string())))
}

fn event_type_of(integration: &Integration) -> EventType {
    match &integration.events {
        EventPattern::Any => EventType::new(MANUAL_SOURCE),
        EventPattern::Exact(event_type) => event_type.clone(),
    }
}

fn check_action(integration: &Integration, index: u16) -> Result<usize, ApiError> {
    let actions = integration.planned_actions().len();
    let index = usize::from(index);
    if index < actions {
        return Ok(index);
    }
    Err(ApiError::fault("/actionIndex", format!("must be less than {actions}")))
}
