//! Sends orders to delivery-worker.

use std::time::Duration;

use ig_core::dead_letter_retry::ClaimId;
use ig_core::delivery_command::{CommandReport, DeliveryCommand};
use ig_core::delivery_log::TriggerType;
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::{CommandRefusal, MAX_COMMAND_BYTES};
use ig_service::grpc::Client;
use ig_store::StoredDeadLetter;
use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Request;

/// The longest delivery: an integration's longest timeout, a wait for its rate limit, and the recording.
const ORDER_TIMEOUT: Duration = Duration::from_mins(3);
/// How long to send no orders after no worker could be reached.
const BACKOFF: Duration = Duration::from_secs(2);

/// The result of an order.
#[derive(Debug)]
pub(crate) enum OrderResult {
    /// The worker executed the order.
    Report(CommandReport),
    /// The order was not executed.
    Refused(CommandRefusal),
}

/// A client of the delivery-workers.
#[derive(Debug)]
pub(crate) struct WorkerClient {
    client: DeliveryServiceClient<Client>,
    unavailable_until: Mutex<Option<Instant>>,
}

impl WorkerClient {
    /// A client over `channel`.
    pub(crate) fn new(channel: Client) -> Self {
        Self {
            client: DeliveryServiceClient::new(channel).max_encoding_message_size(MAX_COMMAND_BYTES),
            unavailable_until: Mutex::default(),
        }
    }

    /// Waits out the backoff after an unreachable worker.
    pub(crate) async fn wait_available(&self) {
        let until = *self.unavailable_until.lock();
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Orders the delivery of a claimed dead letter and waits for its result.
    pub(crate) async fn deliver(&self, letter: &StoredDeadLetter, claim: &ClaimId) -> OrderResult {
        let mut request = Request::new(DeliverRequest::from(&to_order(letter, claim)));
        request.set_timeout(ORDER_TIMEOUT);
        let result = match self.client.clone().deliver(request).await {
            Ok(response) => response.into_inner().try_into().map_or_else(
                |error| {
                    tracing::error!(%error, "a worker's report cannot be understood");
                    OrderResult::Refused(CommandRefusal::Away)
                },
                OrderResult::Report,
            ),
            Err(status) => {
                tracing::warn!(%status, "no worker carried the order out");
                OrderResult::Refused(CommandRefusal::from(&status))
            }
        };
        let is_unavailable = matches!(result, OrderResult::Refused(CommandRefusal::Away));
        *self.unavailable_until.lock() = is_unavailable.then(|| Instant::now() + BACKOFF);
        result
    }
}

fn to_order(kept: &StoredDeadLetter, claim: &ClaimId) -> DeliveryCommand {
    let letter = &kept.letter;
    DeliveryCommand {
        org_id: letter.org_id,
        integration: letter.integration.id,
        action_index: letter.integration.action_index,
        message_id: letter.message_id,
        source: letter.event.source.clone(),
        event_id: letter.event.id.clone(),
        event_type: letter.event.event_type.clone(),
        entity_rid: letter.entity_rid,
        event_created_at: letter.event.created_at,
        payload: letter.original_payload.clone(),
        trigger: TriggerType::Event,
        claim_id: claim.0.clone(),
    }
}
