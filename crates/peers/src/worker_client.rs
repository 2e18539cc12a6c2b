//! The client of delivery-worker.

use std::time::Duration;

use ig_core::delivery_command::{CommandReport, DeliveryCommand};
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::v1::{DeliverRequest, DeliverResponse};
use ig_proto::{CommandRefusal, InvalidMessage, MAX_COMMAND_BYTES};
use ig_service::grpc::Client;
use tonic::{Request, Status};

/// Orders deliveries from the delivery-workers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WorkerClient {
    client: DeliveryServiceClient<Client>,
    timeout: Duration,
}

/// An order that a worker executed.
#[derive(Debug, Clone)]
pub struct CommandExecuted {
    /// What the worker recorded.
    pub report: CommandReport,
    /// The pause before the integration's next action, if it has one.
    pub next_action: Option<Duration>,
}

/// An order that no worker executed.
#[derive(Debug, Clone)]
pub struct CommandRefused {
    /// Whether the order may be executed later.
    pub refusal: CommandRefusal,
    /// The worker's answer, for logs.
    pub status: Status,
}

impl WorkerClient {
    /// Talks to the workers over a channel. An order takes at most `timeout`; a lost connection is noticed at once.
    pub fn new(channel: Client, timeout: Duration) -> Self {
        let client = DeliveryServiceClient::new(channel).max_encoding_message_size(MAX_COMMAND_BYTES);
        Self { client, timeout }
    }

    /// Orders one delivery and waits until its outcome is durably recorded.
    pub async fn deliver(&self, order: &DeliveryCommand) -> Result<CommandExecuted, CommandRefused> {
        let mut request = Request::new(DeliverRequest::from(order));
        request.set_timeout(self.timeout);
        let response = self.client.clone().deliver(request).await?;
        executed(response.into_inner()).map_err(|error| {
            tracing::error!(%error, "a worker's report cannot be understood");
            let (refusal, status) = (CommandRefusal::Away, Status::internal(error.to_string()));
            CommandRefused { refusal, status }
        })
    }
}

fn executed(response: DeliverResponse) -> Result<CommandExecuted, InvalidMessage> {
    let next_action = response.next_action()?;
    let report = CommandReport::try_from(response)?;
    Ok(CommandExecuted { report, next_action })
}

impl From<Status> for CommandRefused {
    fn from(status: Status) -> Self {
        let refusal = CommandRefusal::from(&status);
        Self { refusal, status }
    }
}
