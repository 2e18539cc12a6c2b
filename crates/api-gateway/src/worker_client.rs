//! The client of delivery-worker.

use std::time::Duration;

use ig_core::order::{DeliveryOrder, OrderReport};
use ig_proto::v1::DeliverRequest;
use ig_proto::v1::delivery_service_client::DeliveryServiceClient;
use ig_proto::{LARGEST_ORDER, OrderRefusal};
use ig_service::grpc::Client;
use tonic::{Request, Status};

use crate::error::{ApiError, ErrorCode};

/// How long one delivery may take: the longest timeout of an integration, plus recording.
const TIMEOUT: Duration = Duration::from_secs(125);

/// Orders deliveries from the workers.
#[derive(Debug, Clone)]
pub(crate) struct WorkerClient(DeliveryServiceClient<Client>);

impl WorkerClient {
    /// Talks to the workers over a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self(DeliveryServiceClient::new(channel).max_encoding_message_size(LARGEST_ORDER))
    }

    /// Orders one delivery and waits for its outcome.
    pub(crate) async fn deliver(&self, order: &DeliveryOrder) -> Result<OrderReport, ApiError> {
        let mut request = Request::new(DeliverRequest::from(order));
        request.set_timeout(TIMEOUT);
        let response = self
            .0
            .clone()
            .deliver(request)
            .await
            .map_err(|status| to_api_error(&status))?;
        response.into_inner().try_into().map_err(|error| {
            tracing::error!(%error, "a worker's report cannot be understood");
            ApiError::internal()
        })
    }
}

fn to_api_error(status: &Status) -> ApiError {
    match OrderRefusal::from(status) {
        OrderRefusal::Unknown => ApiError::new(
            ErrorCode::Conflict,
            "The integration has just changed and no worker knows it yet, please try again",
        ),
        OrderRefusal::Never(reason) => ApiError::fault("/payload", reason),
        OrderRefusal::Away => {
            tracing::warn!(%status, "no worker carried the order out");
            ApiError::unavailable("No delivery-worker can be reached now, please try again")
        }
    }
}
