//! The client of alerter.

use std::time::Duration;

use async_trait::async_trait;
use ig_core::alert::{Alert, AlertEnd, AlertReport};
use ig_core::ports::Alerts;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_proto::v1::{RaiseRequest, ResolveRequest};
use ig_service::grpc::Client;
use ig_service::{Context, TaskKind};
use ig_store::Alerts as OwedAlerts;
use tonic::Status;

/// How long storing an alert is retried. A condition that outlasts this raises a new alert.
const RETRY_FOR: Duration = Duration::from_hours(1);

/// Raises alerts through the alerter, and reports their end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AlertClient {
    alerter: Client,
    owed: OwedAlerts,
    context: Context,
}

impl AlertClient {
    /// Sends alerts over this channel; while no alerter answers, they are stored as owed.
    pub fn new(alerter: Client, owed: OwedAlerts, context: Context) -> Self {
        Self { alerter, owed, context }
    }

    /// Raises an alert in the background.
    pub fn raise_soon(&self, alert: Alert) {
        self.report_soon(alert.into());
    }

    /// Raises an alert with its details in the background.
    pub fn report_soon(&self, report: AlertReport) {
        let this = self.clone();
        self.context
            .spawn("alert", TaskKind::OneShot, async move { this.report(&report).await });
    }

    /// Reports in the background that the trouble of an alert has ended.
    pub fn resolve_soon(&self, end: AlertEnd) {
        let this = self.clone();
        self.context
            .spawn("end of an alert", TaskKind::OneShot, async move { this.resolve(&end).await });
    }

    /// Raises an alert with its details now, or owes it until an alerter is there. One that cannot be stored either is logged.
    pub async fn report(&self, report: &AlertReport) {
        let mut alerter = AlertServiceClient::new(self.alerter.clone());
        let Err(status) = alerter.raise(RaiseRequest::from(report)).await else {
            return;
        };
        let alert = &report.alert;
        tracing::warn!(%status, kind = alert.kind, key = alert.key, alert.message, "no alerter took an alert; it is owed");
        let Err(error) = self.owed.owe_report(report).await else {
            return;
        };
        tracing::warn!(%error, kind = alert.kind, key = alert.key, "an alert could not be written down yet; trying again");
        let (owed, report) = (self.owed.clone(), report.clone());
        self.context.keep_trying("alert", RETRY_FOR, move || {
            let (owed, report) = (owed.clone(), report.clone());
            async move { owed.owe_report(&report).await }
        });
    }

    /// Reports now that the trouble of an alert has ended, or owes that until an alerter is there.
    pub async fn resolve(&self, end: &AlertEnd) {
        let Err(status) = self.try_to_resolve(end).await else {
            return;
        };
        tracing::warn!(%status, kind = end.kind, key = end.key, "no alerter took the end of an alert; it is owed");
        let Err(error) = self.owed.owe_end(end).await else {
            return;
        };
        tracing::warn!(%error, kind = end.kind, key = end.key, "the end of an alert could not be written down yet; trying again");
        let (owed, end) = (self.owed.clone(), end.clone());
        self.context.keep_trying("end of an alert", RETRY_FOR, move || {
            let (owed, end) = (owed.clone(), end.clone());
            async move { owed.owe_end(&end).await }
        });
    }

    async fn try_to_resolve(&self, end: &AlertEnd) -> Result<(), Status> {
        let mut alerter = AlertServiceClient::new(self.alerter.clone());
        alerter.resolve(ResolveRequest::from(end)).await.map(drop)
    }
}

#[async_trait]
impl Alerts for AlertClient {
    async fn raise(&self, alert: &Alert) {
        self.report(&alert.clone().into()).await;
    }
}
