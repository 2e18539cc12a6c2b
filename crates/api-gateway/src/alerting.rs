//! Raising alerts.

use std::time::Duration;

use async_trait::async_trait;
use ig_core::alert::Alert;
use ig_core::ports::Alerts;
use ig_proto::v1::RaiseRequest;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::grpc::Client;
use ig_service::{Context, TaskKind};
use ig_store::Alerts as OwedAlerts;
use tonic::Status;

/// How long storing an alert is retried. Trouble that lasts longer raises its own alert later.
const RETRY_FOR: Duration = Duration::from_hours(1);

/// The client of the alerter. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Alerting {
    alerter: Client,
    owed: OwedAlerts,
    context: Context,
}

impl Alerting {
    /// Sends alerts over this channel and stores them as owed while no alerter answers.
    pub(crate) fn new(alerter: Client, owed: OwedAlerts, context: Context) -> Self {
        Self { alerter, owed, context }
    }

    /// Raises an alert in the background.
    pub(crate) fn raise_soon(&self, alert: Alert) {
        let this = self.clone();
        self.context
            .spawn("alert", TaskKind::OneShot, async move { this.raise(&alert).await });
    }

    async fn try_to_raise(&self, alert: &Alert) -> Result<(), Status> {
        let mut alerter = AlertServiceClient::new(self.alerter.clone());
        alerter.raise(RaiseRequest::from(alert)).await.map(drop)
    }
}

/// Raises an alert now, or stores it as owed until an alerter answers. One that cannot be stored either is logged.
#[async_trait]
impl Alerts for Alerting {
    async fn raise(&self, alert: &Alert) {
        let Err(status) = self.try_to_raise(alert).await else { return };
        tracing::warn!(%status, kind = alert.kind, key = alert.key, alert.message, "no alerter took an alert; it is owed");
        let Err(error) = self.owed.owe(alert).await else { return };
        tracing::warn!(%error, kind = alert.kind, key = alert.key, "an alert could not be written down yet; trying again");
        let (owed, alert) = (self.owed.clone(), alert.clone());
        self.context.keep_trying("alert", RETRY_FOR, move || {
            let (owed, alert) = (owed.clone(), alert.clone());
            async move { owed.owe(&alert).await }
        });
    }
}
