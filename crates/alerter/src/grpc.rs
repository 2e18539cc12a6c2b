//! The contract.

use std::sync::Arc;

use ig_core::alert::Alert;
use ig_core::clock::Clock;
use ig_core::error_kind::ErrorKind;
use ig_core::ports::StoreError;
use ig_proto::v1::alert_service_server::AlertService;
use ig_proto::v1::{RaiseRequest, RaiseResponse};
use ig_proto::{InvalidMessage, status};
use ig_store::{AlertTimes, Alerts, Raised};
use tonic::{Request, Response, Status};

/// Takes alerts down and tells of the new ones.
pub(crate) struct AlertGrpc {
    alerts: Alerts,
    times: AlertTimes,
    clock: Arc<dyn Clock>,
}

impl AlertGrpc {
    pub(crate) fn new(alerts: Alerts, times: AlertTimes, clock: Arc<dyn Clock>) -> Self {
        Self { alerts, times, clock }
    }
}

#[tonic::async_trait]
impl AlertService for AlertGrpc {
    async fn raise(&self, request: Request<RaiseRequest>) -> Result<Response<RaiseResponse>, Status> {
        let alert: Alert = request
            .into_inner()
            .try_into()
            .map_err(|error: InvalidMessage| Status::from(error))?;
        let raised = self
            .alerts
            .raise(&alert, self.times, self.clock.now())
            .await
            .map_err(|error| refusal(&error))?;
        let told = raised == Raised::Told;
        if told {
            tell(&alert);
        }
        Ok(Response::new(RaiseResponse { told }))
    }
}

/// The log is the one channel of this version.
fn tell(alert: &Alert) {
    let Alert {
        org_id,
        kind,
        key,
        severity,
        message,
        at,
    } = alert;
    let org = org_id.map(|org| org.0);
    tracing::warn!(ig.org.id = org, ig.alert.kind = kind, ig.alert.key = key, ig.alert.severity = severity.as_str(), %at, "{message}");
}

fn refusal(error: &StoreError) -> Status {
    let kind = match error {
        StoreError::Unavailable(_) => ErrorKind::Unavailable,
        StoreError::Refused(_) => ErrorKind::Internal,
    };
    tracing::warn!(%error, "an alert could not be taken down");
    status(kind, "the alert could not be taken down")
}
