//! Sends orders to delivery-worker.

use std::time::Duration;

use ig_core::delivery_command::{CommandOutcome, CommandReport, DeliveryCommand};
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::{CommandRefusal, InvalidMessage, MAX_COMMAND_BYTES};
use ig_service::grpc::Client;
use tonic::Request;

/// The longest order: every attempt with the longest timeout, and the pauses between. A lost connection is noticed at once.
const ORDER_TIMEOUT: Duration = Duration::from_mins(30);

/// A client of the delivery-workers.
#[derive(Debug, Clone)]
pub(crate) struct WorkerClient(DeliveryServiceClient<Client>);

/// The result of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderResult {
    /// The worker executed the order and logged its outcome.
    Recorded {
        /// Why the delivery failed, if it did.
        failure: Option<String>,
        /// The pause before the integration's next action, if it has one.
        next: Option<Duration>,
    },
    /// The order was not executed.
    Refused(CommandRefusal),
}

impl WorkerClient {
    /// A client over `channel`.
    pub(crate) fn new(channel: Client) -> Self {
        Self(DeliveryServiceClient::new(channel).max_encoding_message_size(MAX_COMMAND_BYTES))
    }

    /// Orders one delivery and waits for its result.
    pub(crate) async fn deliver(&self, order: &DeliveryCommand) -> OrderResult {
        let mut request = Request::new(DeliverRequest::from(order));
        request.set_timeout(ORDER_TIMEOUT);
        match self.0.clone().deliver(request).await {
            Ok(response) => parse_report(response.into_inner()).unwrap_or_else(|error| {
                tracing::error!(%error, "a worker's report cannot be understood");
                OrderResult::Refused(CommandRefusal::Away)
            }),
            Err(status) => {
                tracing::debug!(%status, "no worker carried an order out");
                OrderResult::Refused(CommandRefusal::from(&status))
            }
        }
    }
}

fn parse_report(response: ig_proto::v1::DeliverResponse) -> Result<OrderResult, InvalidMessage> {
    let next = response.next_action()?;
    let report = CommandReport::try_from(response)?;
    Ok(OrderResult::Recorded {
        failure: failure_message(&report),
        next,
    })
}

fn failure_message(report: &CommandReport) -> Option<String> {
    let message = report.error.as_ref().map(|(_, message)| message.clone());
    match report.outcome {
        CommandOutcome::Delivered | CommandOutcome::Skipped => None,
        CommandOutcome::Retryable | CommandOutcome::Refused => Some(message.unwrap_or_else(|| "It was not taken.".to_owned())),
        CommandOutcome::Held => Some("The integration is held: its dead letter waits until it is enabled.".to_owned()),
    }
}
