//! Telling people what they should know.

use std::time::Duration;

use ig_core::alert::Alert;
use ig_proto::v1::RaiseRequest;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::grpc::Client;
use ig_service::{Context, Fate};
use tonic::Status;

/// Between two tries while no alerter answers.
const AGAIN: Duration = Duration::from_secs(2);
/// For so long an alert is tried; whoever comes back later than that is told by what is still wrong.
const TRIED_FOR: Duration = Duration::from_hours(1);

/// The way to the alerter. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Alerting {
    alerter: Client,
    context: Context,
}

impl Alerting {
    /// Alerts go out through this channel; what has to wait for it waits in tasks of the context's.
    pub(crate) fn new(alerter: Client, context: Context) -> Self {
        Self { alerter, context }
    }

    /// Raises an alert: now, or when the alerter is there. Nobody is kept waiting for that; one that was never raised is logged.
    pub(crate) async fn raise(&self, alert: &Alert) {
        let Err(status) = self.try_to_raise(alert).await else { return };
        tracing::warn!(%status, kind = alert.kind, key = alert.key, "an alert could not be raised yet; trying again");
        let (alerting, alert) = (self.clone(), alert.clone());
        self.context
            .spawn("alert", Fate::Finishes, async move { alerting.keep_trying(&alert).await });
    }

    async fn keep_trying(&self, alert: &Alert) {
        let trying = async {
            loop {
                tokio::time::sleep(AGAIN).await;
                if self.try_to_raise(alert).await.is_ok() {
                    return;
                }
            }
        };
        let trying = tokio::time::timeout(TRIED_FOR, trying);
        let raised = self.context.stopping().run_until_cancelled(trying).await;
        if !matches!(raised, Some(Ok(()))) {
            tracing::error!(
                kind = alert.kind,
                key = alert.key,
                alert.message,
                "an alert could not be raised"
            );
        }
    }

    async fn try_to_raise(&self, alert: &Alert) -> Result<(), Status> {
        let mut alerter = AlertServiceClient::new(self.alerter.clone());
        alerter.raise(RaiseRequest::from(alert)).await.map(drop)
    }
}
