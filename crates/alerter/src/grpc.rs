//! The gRPC service.

use ig_core::alert::Alert;
use ig_core::error_kind::ErrorKind;
use ig_core::ports::StoreError;
use ig_proto::v1::alert_service_server::AlertService;
use ig_proto::v1::{RaiseRequest, RaiseResponse};
use ig_proto::{InvalidMessage, status};
use tonic::{Request, Response, Status};

use crate::notifier::Notifier;

/// Implements `AlertService`.
pub(crate) struct AlertGrpc {
    notifier: Notifier,
}

impl AlertGrpc {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self { notifier }
    }
}

#[tonic::async_trait]
impl AlertService for AlertGrpc {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        let alert: Alert = request
            .into_inner()
            .try_into()
            .map_err(|error: InvalidMessage| Status::from(error))?;
        let told = self.notifier.notify(&alert).await.map_err(|error| store_status(&error))?;
        Ok(Response::new(RaiseResponse { told }))
    }
}

fn store_status(error: &StoreError) -> Status {
    let kind = match error {
        StoreError::Unavailable(_) => ErrorKind::Unavailable,
        StoreError::Refused(_) => ErrorKind::Internal,
    };
    tracing::warn!(%error, "an alert could not be taken down");
    status(kind, "the alert could not be taken down")
}
