//! The gRPC service.

use ig_core::alert::{AlertEnd, AlertReport};
use ig_core::error_kind::ErrorKind;
use ig_core::ports::StoreError;
use ig_proto::v1::alert_service_server::AlertService;
use ig_proto::v1::{RaiseRequest, RaiseResponse, ResolveRequest, ResolveResponse};
use ig_proto::{InvalidMessage, status};
use tonic::{Request, Response, Status};

use crate::alerting::Alerting;

/// Implements `AlertService`.
pub(crate) struct AlertGrpc {
    alerting: Alerting,
}

impl AlertGrpc {
    pub(crate) fn new(alerting: Alerting) -> Self {
        Self { alerting }
    }
}

#[tonic::async_trait]
impl AlertService for AlertGrpc {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        let report: AlertReport = converted(request.into_inner())?;
        let told = self.alerting.report(&report).await.map_err(|error| store_status(&error))?;
        Ok(Response::new(RaiseResponse { told }))
    }

    async fn resolve(&self, request: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        let end: AlertEnd = converted(request.into_inner())?;
        let resolved = self.alerting.end(&end).await.map_err(|error| store_status(&error))?;
        Ok(Response::new(ResolveResponse { resolved }))
    }
}

fn converted<W, T: TryFrom<W, Error = InvalidMessage>>(message: W) -> Result<T, Status> {
    message.try_into().map_err(Status::from)
}

fn store_status(error: &StoreError) -> Status {
    let kind = match error {
        StoreError::Unavailable(_) => ErrorKind::Unavailable,
        StoreError::Refused(_) => ErrorKind::Internal,
    };
    tracing::warn!(%error, "an alert could not be taken down");
    status(kind, "the alert could not be taken down")
}
