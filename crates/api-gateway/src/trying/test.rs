//! Sending once, by hand.

use bytes::Bytes;
use chrono::Utc;
use ig_core::delivery_log::TriggerType;
use ig_core::id::{EventId, IntegrationId, OrgId, SourceId};
use ig_core::integration::Integration;
use ig_core::message::MessageId;
use ig_core::order::DeliveryOrder;

use super::{BY_HAND, action, event_type_of, payload, sample};
use crate::configuring::integrations;
use crate::document::{TestAsked, TestResult, Tested};
use crate::error::ApiError;
use crate::gateway::Gateway;

/// Has a worker send a stored integration's deliveries once, logged as MANUAL. Nothing is tried again.
pub(crate) async fn test(gateway: &Gateway, org: OrgId, id: IntegrationId, asked: TestAsked) -> Result<Tested, ApiError> {
    let TestAsked {
        payload: given,
        event_id,
        action_index,
    } = asked;
    let integration = integrations::get(gateway, org, id).await?;
    let text = match payload(gateway, org, given, event_id).await? {
        Some(text) => text,
        None => sample(gateway, &integration)
            .await?
            .unwrap_or_else(|| Bytes::from_static(b"{}")),
    };
    let event = EventId::new(format!("test-{:032x}", rand::random::<u128>()));
    let mut results = Vec::new();
    for index in indices(&integration, action_index)? {
        let report = gateway
            .workers()
            .deliver(&order(&integration, &event, index, text.clone()))
            .await?;
        results.push(TestResult::of(index, report));
    }
    Ok(Tested { results })
}

fn indices(integration: &Integration, one: Option<u16>) -> Result<Vec<u16>, ApiError> {
    let Some(index) = one else {
        return Ok(integration.planned_actions().iter().map(|action| action.index).collect());
    };
    action(integration, index)?;
    Ok(vec![index])
}

fn order(integration: &Integration, event: &EventId, index: u16, payload: Bytes) -> DeliveryOrder {
    let source = SourceId::new(BY_HAND);
    DeliveryOrder {
        org_id: integration.org_id,
        integration: integration.id,
        action_index: index,
        message_id: MessageId::derive(&source, event, integration.id, index),
        source,
        event_id: event.clone(),
        event_type: event_type_of(integration),
        entity_rid: integration.tenant_id,
        event_created_at: Some(Utc::now()),
        payload,
        trigger: TriggerType::Manual,
        claim_id: String::new(),
    }
}
