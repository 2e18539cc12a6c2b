//! The client of scheduler, which alone changes scheduled deliveries.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::error_kind::ErrorKind;
use ig_core::scheduled::{CancelDelivery, PreviewSchedule, RescheduleDelivery};
use ig_proto::kind_of;
use ig_proto::v1::scheduler_service_client::SchedulerServiceClient;
use ig_proto::v1::{CancelRequest, PreviewRequest, RescheduleRequest};
use ig_service::grpc::Client;
use tonic::{Request, Status};

use crate::error::{ApiError, ErrorCode};

/// How long a response may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends orders about scheduled deliveries to the schedulers.
#[derive(Debug, Clone)]
pub(crate) struct SchedulerClient(SchedulerServiceClient<Client>);

impl SchedulerClient {
    /// Talks to the schedulers over a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self(SchedulerServiceClient::new(channel).max_encoding_message_size(ig_proto::MAX_COMMAND_BYTES))
    }

    /// Cancels a pending delivery.
    pub(crate) async fn cancel(&self, cancel: &CancelDelivery) -> Result<(), ApiError> {
        let response = self.0.clone().cancel(with_timeout(CancelRequest::from(cancel))).await;
        response.map(drop).map_err(|status| to_api_error(&status))
    }

    /// Reschedules a pending delivery.
    pub(crate) async fn reschedule(&self, reschedule: &RescheduleDelivery) -> Result<(), ApiError> {
        let response = self
            .0
            .clone()
            .reschedule(with_timeout(RescheduleRequest::from(reschedule)))
            .await;
        response.map(drop).map_err(|status| to_api_error(&status))
    }

    /// The times at which a schedule makes deliveries.
    pub(crate) async fn preview(&self, preview: &PreviewSchedule) -> Result<Vec<Timestamp>, ApiError> {
        let response = self.0.clone().preview(with_timeout(PreviewRequest::from(preview))).await;
        let response = response.map_err(|status| to_api_error(&status))?.into_inner();
        response.try_into().map_err(|error| {
            tracing::error!(%error, "a scheduler's answer cannot be understood");
            ApiError::internal()
        })
    }
}

fn with_timeout<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(TIMEOUT);
    request
}

fn to_api_error(status: &Status) -> ApiError {
    match kind_of(status) {
        ErrorKind::NotFound => ApiError::not_found("Scheduled integration"),
        ErrorKind::Stale => ApiError::new(ErrorCode::Conflict, status.message()),
        // The schedule was validated before it was sent, so the fault lies in the payload.
        ErrorKind::Invalid => ApiError::fault("/payload", status.message()),
        _ => {
            tracing::warn!(%status, "no scheduler did what was asked");
            ApiError::unavailable("No scheduler can be reached now, please try again")
        }
    }
}
