//! Raises alerts through the alerter.

use std::time::Duration;

use async_trait::async_trait;
use ig_core::alert::Alert;
use ig_core::ports::Alerts;
use ig_proto::v1::RaiseRequest;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::Context;
use ig_service::grpc::Client;
use ig_store::Alerts as OwedAlerts;
use tonic::Status;

/// How long the worker retries to store an alert. A condition that outlasts this raises a new one.
const RETRY_FOR: Duration = Duration::from_hours(1);

/// The client of the alerter. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Alerting {
    alerter: Client,
    owed: OwedAlerts,
    context: Context,
}

impl Alerting {
    /// Sends alerts through this channel; while no alerter answers, they are stored as owed.
    pub(crate) fn new(alerter: Client, owed: OwedAlerts, context: Context) -> Self {
        Self { alerter, owed, context }
    }

    async fn try_to_raise(&self, alert: &Alert) -> Result<(), Status> {
        let mut alerter = AlertServiceClient::new(self.alerter.clone());
        alerter.raise(RaiseRequest::from(alert)).await.map(drop)
    }
}

/// Raises an alert now, or owes it until an alerter is there. An alert that cannot be stored either is logged.
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
