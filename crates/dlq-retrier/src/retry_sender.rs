//! Sends claimed dead letters to delivery-worker.

use std::time::Duration;

use ig_core::dead_letter_retry::ClaimId;
use ig_core::delivery_command::{CommandReport, DeliveryCommand};
use ig_core::delivery_log::TriggerType;
use ig_peers::WorkerClient;
use ig_proto::CommandRefusal;
use ig_service::grpc::Client;
use ig_store::StoredDeadLetter;
use parking_lot::Mutex;
use tokio::time::Instant;

/// The longest delivery: an integration's longest timeout, a wait for its rate limit, and the recording.
const ORDER_TIMEOUT: Duration = Duration::from_mins(3);
/// How long to send no orders after no worker could be reached.
const BACKOFF: Duration = Duration::from_secs(2);

/// Orders the delivery of dead letters, and pauses while no worker can be reached.
#[derive(Debug)]
pub(crate) struct RetrySender {
    workers: WorkerClient,
    unavailable_until: Mutex<Option<Instant>>,
}

impl RetrySender {
    /// Sends orders over `channel`.
    pub(crate) fn new(channel: Client) -> Self {
        Self {
            workers: WorkerClient::new(channel, ORDER_TIMEOUT),
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
    pub(crate) async fn send(&self, letter: &StoredDeadLetter, claim: &ClaimId) -> Result<CommandReport, CommandRefusal> {
        let result = self.workers.deliver(&to_order(letter, claim)).await;
        let result = result.map(|executed| executed.report).map_err(|refused| {
            tracing::warn!(status = %refused.status, "no worker carried an order out");
            refused.refusal
        });
        let is_unavailable = matches!(result, Err(CommandRefusal::Away));
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
