//! Telling people what they should know.

use ig_core::alert::Alert;
use ig_proto::v1::RaiseRequest;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::grpc::Client;

/// The way to the alerter. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Alerting(Client);

impl Alerting {
    /// Alerts go out through this channel.
    pub(crate) fn new(alerter: Client) -> Self {
        Self(alerter)
    }

    /// Raises an alert; one that cannot be raised is logged, so that it is not lost without a trace.
    pub(crate) async fn raise(&self, alert: &Alert) {
        let raised = AlertServiceClient::new(self.0.clone()).raise(RaiseRequest::from(alert)).await;
        if let Err(status) = raised {
            tracing::error!(%status, kind = alert.kind, key = alert.key, alert.message, "an alert could not be raised");
        }
    }
}
