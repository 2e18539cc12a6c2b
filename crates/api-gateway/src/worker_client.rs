//! The client of delivery-worker, with refusals as the API's errors.

use std::time::Duration;

use ig_core::delivery_command::{CommandReport, DeliveryCommand};
use ig_peers::CommandRefused;
use ig_proto::CommandRefusal;
use ig_service::grpc::Client;

use crate::error::{ApiError, ErrorCode};

/// How long one delivery may take: the longest timeout of an integration, plus recording.
const ORDER_TIMEOUT: Duration = Duration::from_secs(125);

/// Orders deliveries from the workers.
#[derive(Debug, Clone)]
pub(crate) struct WorkerClient(ig_peers::WorkerClient);

impl WorkerClient {
    /// Talks to the workers over a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self(ig_peers::WorkerClient::new(channel, ORDER_TIMEOUT))
    }

    /// Orders one delivery and waits for its outcome.
    pub(crate) async fn deliver(&self, order: &DeliveryCommand) -> Result<CommandReport, ApiError> {
        let executed = self.0.deliver(order).await.map_err(to_api_error)?;
        Ok(executed.report)
    }
}

fn to_api_error(CommandRefused { refusal, status }: CommandRefused) -> ApiError {
    match refusal {
        CommandRefusal::Unknown => ApiError::new(
            ErrorCode::Conflict,
            "The integration has just changed and no worker knows it yet, please try again",
        ),
        CommandRefusal::Never(reason) => ApiError::fault("/payload", reason),
        CommandRefusal::Away => {
            tracing::warn!(%status, "no worker carried the order out");
            ApiError::unavailable("No delivery-worker can be reached now, please try again")
        }
    }
}
