//! The client of dlq-retrier.

use std::time::Duration;

use ig_core::dead_letter_retry::{ManualRetry, ManualRetryResult};
use ig_core::error_kind::ErrorKind;
use ig_core::redrive::{Redrive, RedriveKey, RedriveOrder};
use ig_proto::v1::dlq_service_client::DlqServiceClient;
use ig_proto::v1::{CancelRedriveRequest, GetRedriveRequest, RetryRequest, StartRedriveRequest};
use ig_proto::{InvalidMessage, kind_of};
use ig_service::grpc::Client;
use tonic::{Request, Response, Status};

use crate::error::ApiError;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends orders about dead letters to the retrier.
#[derive(Debug, Clone)]
pub(crate) struct RetrierClient(DlqServiceClient<Client>);

impl RetrierClient {
    /// Talks to the retrier over a channel.
    pub(crate) fn new(channel: Client) -> Self {
        Self(DlqServiceClient::new(channel))
    }

    /// Makes dead letters due now.
    pub(crate) async fn retry(&self, request: &ManualRetry) -> Result<ManualRetryResult, ApiError> {
        convert(self.0.clone().retry(with_timeout(RetryRequest::from(request))).await)
    }

    /// Starts a redrive.
    pub(crate) async fn start(&self, order: &RedriveOrder) -> Result<Redrive, ApiError> {
        convert(
            self.0
                .clone()
                .start_redrive(with_timeout(StartRedriveRequest::from(order)))
                .await,
        )
    }

    /// Reads the progress of a redrive.
    pub(crate) async fn get(&self, key: RedriveKey) -> Result<Redrive, ApiError> {
        convert(self.0.clone().get_redrive(with_timeout(GetRedriveRequest::from(key))).await)
    }

    /// Cancels a redrive.
    pub(crate) async fn cancel(&self, key: RedriveKey) -> Result<Redrive, ApiError> {
        convert(
            self.0
                .clone()
                .cancel_redrive(with_timeout(CancelRedriveRequest::from(key)))
                .await,
        )
    }
}

fn with_timeout<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(TIMEOUT);
    request
}

fn convert<W, T>(response: Result<Response<W>, Status>) -> Result<T, ApiError>
where
    T: TryFrom<W, Error = InvalidMessage>,
{
    let response = response.map_err(|status| to_api_error(&status))?.into_inner();
    response.try_into().map_err(|error| {
        tracing::error!(%error, "the retrier's answer cannot be understood");
        ApiError::internal()
    })
}

fn to_api_error(status: &Status) -> ApiError {
    if kind_of(status) == ErrorKind::NotFound {
        return ApiError::not_found("Redrive");
    }
    tracing::warn!(%status, "the retrier did not do what it was asked");
    ApiError::unavailable("No dlq-retrier can be reached now, please try again")
}
