//! Stores alerts and notifies people of new ones.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::Alert;
use ig_core::clock::Clock;
use ig_core::ports::StoreError;
use ig_store::{AlertTimes, Alerts, RaiseOutcome};
use tokio_util::sync::CancellationToken;

/// The poll interval for owed alerts.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a database error.
const ERROR_DELAY: Duration = Duration::from_secs(5);

/// Stores alerts and notifies people. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifier {
    alerts: Alerts,
    times: AlertTimes,
    clock: Arc<dyn Clock>,
}

impl Notifier {
    pub(crate) fn new(alerts: Alerts, times: AlertTimes, clock: Arc<dyn Clock>) -> Self {
        Self { alerts, times, clock }
    }

    /// Stores an alert and notifies people, unless the same alert came within the quiet time; returns whether it notified.
    pub(crate) async fn notify(&self, alert: &Alert) -> Result<bool, StoreError> {
        let raised = self.alerts.raise(alert, self.times, self.clock.now()).await?;
        let is_new = raised == RaiseOutcome::New;
        if is_new {
            log(alert);
        }
        Ok(is_new)
    }

    /// Notifies of owed alerts until `stop`. A crash between notifying and settling only counts the alert once more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.notify_owed().await {
                Ok(true) => continue,
                Ok(false) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "alerts that are owed cannot be told; trying again");
                    ERROR_DELAY
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Notifies of one owed alert; returns false if there is none.
    async fn notify_owed(&self) -> Result<bool, StoreError> {
        let Some(owed) = self.alerts.claim_owed(self.clock.now()).await? else {
            return Ok(false);
        };
        self.notify(&owed.alert).await?;
        self.alerts.settle_owed(&owed).await?;
        Ok(true)
    }
}

/// Writes the notification to the log, the only channel so far.
fn log(alert: &Alert) {
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
