//! Orders to delivery-worker.

use std::time::Duration;

use ig_core::delivery_log::TriggerType;
use ig_core::order::{DeliveryOrder, OrderReport};
use ig_core::redelivery::ClaimId;
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::{LARGEST_ORDER, OrderRefusal};
use ig_service::grpc::Client;
use ig_store::KeptLetter;
use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Request;

/// How long one delivery may take: the longest timeout of an integration, a wait for its rate limit, and its recording.
const PATIENCE: Duration = Duration::from_mins(3);
/// For how long nothing is ordered after no worker could be reached.
const ABSENCE: Duration = Duration::from_secs(2);

/// What a worker answered to an order.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What came of the delivery.
    Report(OrderReport),
    /// It was not carried out.
    Refused(OrderRefusal),
}

/// The workers, as whoever tries again sees them.
#[derive(Debug)]
pub(crate) struct Workers {
    client: DeliveryServiceClient<Client>,
    away_until: Mutex<Option<Instant>>,
}

impl Workers {
    /// The workers behind a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self {
            client: DeliveryServiceClient::new(channel).max_encoding_message_size(LARGEST_ORDER),
            away_until: Mutex::default(),
        }
    }

    /// Waits until it makes sense to order something.
    pub(crate) async fn present(&self) {
        let until = *self.away_until.lock();
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Has a dead letter's delivery made that is held under a claim.
    pub(crate) async fn deliver(&self, letter: &KeptLetter, claim: &ClaimId) -> Answer {
        let mut request = Request::new(DeliverRequest::from(&order(letter, claim)));
        request.set_timeout(PATIENCE);
        let answer = match self.client.clone().deliver(request).await {
            Ok(answer) => answer.into_inner().try_into().map_or_else(
                |error| {
                    tracing::error!(%error, "a worker's report cannot be understood");
                    Answer::Refused(OrderRefusal::Away)
                },
                Answer::Report,
            ),
            Err(status) => {
                tracing::warn!(%status, "no worker carried the order out");
                Answer::Refused(OrderRefusal::from(&status))
            }
        };
        let is_away = matches!(answer, Answer::Refused(OrderRefusal::Away));
        *self.away_until.lock() = is_away.then(|| Instant::now() + ABSENCE);
        answer
    }
}

fn order(kept: &KeptLetter, claim: &ClaimId) -> DeliveryOrder {
    let letter = &kept.letter;
    DeliveryOrder {
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
