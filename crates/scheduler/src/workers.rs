//! Orders to delivery-worker.

use std::time::Duration;

use ig_core::order::{DeliveryOrder, OrderOutcome, OrderReport};
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::{InvalidMessage, LARGEST_ORDER, OrderRefusal};
use ig_service::grpc::Client;
use tonic::Request;

/// How long one order may take: every attempt with the longest timeout, and the pauses between. A worker that is gone is noticed at once.
const PATIENCE: Duration = Duration::from_mins(30);

/// The workers, as whoever orders deliveries sees them.
#[derive(Debug, Clone)]
pub(crate) struct Workers(DeliveryServiceClient<Client>);

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ordered {
    /// It is recorded: what it came to, and the pause before the next action where there is one.
    Recorded {
        /// Why it was not delivered, if it was not.
        failure: Option<String>,
        /// The pause before the integration's next action.
        next: Option<Duration>,
    },
    /// It was not carried out.
    Refused(OrderRefusal),
}

impl Workers {
    /// The workers behind a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self(DeliveryServiceClient::new(channel).max_encoding_message_size(LARGEST_ORDER))
    }

    /// Has one delivery made and waits for what came of it.
    pub(crate) async fn deliver(&self, order: &DeliveryOrder) -> Ordered {
        let mut request = Request::new(DeliverRequest::from(order));
        request.set_timeout(PATIENCE);
        match self.0.clone().deliver(request).await {
            Ok(answer) => recorded(answer.into_inner()).unwrap_or_else(|error| {
                tracing::error!(%error, "a worker's report cannot be understood");
                Ordered::Refused(OrderRefusal::Away)
            }),
            Err(status) => {
                tracing::debug!(%status, "no worker carried an order out");
                Ordered::Refused(OrderRefusal::from(&status))
            }
        }
    }
}

fn recorded(answer: ig_proto::v1::DeliverResponse) -> Result<Ordered, InvalidMessage> {
    let next = answer.next_action()?;
    let report = OrderReport::try_from(answer)?;
    Ok(Ordered::Recorded {
        failure: failure(&report),
        next,
    })
}

fn failure(report: &OrderReport) -> Option<String> {
    let told = report.error.as_ref().map(|(_, message)| message.clone());
    match report.outcome {
        OrderOutcome::Delivered | OrderOutcome::Skipped => None,
        OrderOutcome::Retryable | OrderOutcome::Refused => Some(told.unwrap_or_else(|| "It was not taken.".to_owned())),
        OrderOutcome::Held => Some("The integration is held: its dead letter waits until it is enabled.".to_owned()),
    }
}
