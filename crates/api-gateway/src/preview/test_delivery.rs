//! Test deliveries: sent once, by hand.

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use ig_core::delivery_command::DeliveryCommand;
use ig_core::delivery_log::TriggerType;
use ig_core::id::{EventId, IntegrationId, OrgId, SourceId};
use ig_core::integration::Integration;
use ig_core::message::MessageId;
use ig_service::TaskKind;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{MANUAL_SOURCE, check_action, event_type_of, load_payload, load_sample};
use crate::document::{TestRequest, TestResult, Tested};
use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::resources::resource;

/// The time reserved for the response, before the request times out.
const RESPONSE_MARGIN: Duration = Duration::from_secs(1);

/// Has a worker send a stored integration's deliveries once, logged as MANUAL and never retried. They are made one after another even if
/// the client disconnects. A delivery that does not end within the request's time is reported as pending, by its log's id.
pub(crate) async fn send(gateway: &Gateway, org: OrgId, id: IntegrationId, request: TestRequest) -> Result<Tested, ApiError> {
    let TestRequest {
        payload: given,
        event_id,
        action_index,
    } = request;
    let integration = resource::get::<Integration>(gateway, org, &id).await?;
    let text = match load_payload(gateway, org, given, event_id).await? {
        Some(text) => text,
        None => load_sample(gateway, &integration)
            .await?
            .unwrap_or_else(|| Bytes::from_static(b"{}")),
    };
    let event = EventId::new(format!("test-{:032x}", rand::random::<u128>()));
    let indices = action_indices(&integration, action_index)?.into_iter();
    let orders: Vec<_> = indices
        .map(|index| delivery_order(&integration, &event, index, text.clone()))
        .collect();
    let (sender, mut ended) = mpsc::unbounded_channel();
    let (workers, pending) = (gateway.workers().clone(), orders.clone());
    let stopping = gateway.context().stopping().clone();
    gateway.context().spawn("test", TaskKind::OneShot, async move {
        let delivering = async {
            for (at, order) in pending.iter().enumerate() {
                let report = workers.deliver(order).await;
                // If no worker can take the first, the others are not tried.
                let continues = report.is_ok() || at > 0;
                let _ = sender.send(report);
                if !continues {
                    return;
                }
            }
        };
        stopping.run_until_cancelled(delivering).await;
    });
    let mut results = Vec::new();
    let deadline = Instant::now() + gateway.http().request_timeout().saturating_sub(RESPONSE_MARGIN);
    for order in &orders {
        let result = match timeout_at(deadline, ended.recv()).await {
            Ok(Some(Ok(report))) => TestResult::of(order.action_index, report),
            Ok(Some(Err(error))) if results.is_empty() => return Err(error),
            Ok(Some(Err(error))) => TestResult::failed(order, error.message),
            Ok(None) | Err(_) => TestResult::pending(order),
        };
        results.push(result);
    }
    Ok(Tested { results })
}

fn action_indices(integration: &Integration, one: Option<u16>) -> Result<Vec<u16>, ApiError> {
    let Some(index) = one else {
        return Ok(integration.planned_actions().iter().map(|action| action.index).collect());
    };
    check_action(integration, index)?;
    Ok(vec![index])
}

fn delivery_order(integration: &Integration, event: &EventId, index: u16, payload: Bytes) -> DeliveryCommand {
    let source = SourceId::new(MANUAL_SOURCE);
    DeliveryCommand {
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
