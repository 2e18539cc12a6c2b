//! Takes reports of trouble, and of its end.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, AlertEnd, AlertReport};
use ig_core::clock::Clock;
use ig_core::ports::StoreError;
use ig_store::{AlertTimes, Alerts, OwedNews, RaiseOutcome};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The poll interval for owed alerts.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Delay after a database error.
const ERROR_DELAY: Duration = Duration::from_secs(5);

/// Stores reports and wakes the loop that tells people. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifier {
    alerts: Alerts,
    times: AlertTimes,
    clock: Arc<dyn Clock>,
    news: Arc<Notify>,
}

impl Notifier {
    pub(crate) fn new(alerts: Alerts, times: AlertTimes, clock: Arc<dyn Clock>, news: Arc<Notify>) -> Self {
        Self {
            alerts,
            times,
            clock,
            news,
        }
    }

    /// Stores a report; returns whether it opened an incident.
    pub(crate) async fn report(&self, report: &AlertReport) -> Result<bool, StoreError> {
        let outcome = self.alerts.report(report, self.times, self.clock.now()).await?;
        match outcome {
            RaiseOutcome::New | RaiseOutcome::Reopened => log(&report.alert),
            RaiseOutcome::Repeated => return Ok(false),
        }
        self.news.notify_one();
        Ok(outcome == RaiseOutcome::New)
    }

    /// Stores the end of trouble; returns whether it was open.
    pub(crate) async fn end(&self, end: &AlertEnd) -> Result<bool, StoreError> {
        let ended = self.alerts.end(end, self.clock.now()).await?;
        if ended {
            tracing::info!(
                ig.org.id = end.org_id.map(|org| org.0),
                ig.alert.kind = end.kind,
                ig.alert.key = end.key,
                "an alert is resolved"
            );
            self.news.notify_one();
        }
        Ok(ended)
    }

    /// Takes owed news until `stop`. A crash between taking and settling only counts an alert once more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.take_owed().await {
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

    /// Takes one owed entry; returns false if there is none.
    pub(crate) async fn take_owed(&self) -> Result<bool, StoreError> {
        let Some(owed) = self.alerts.claim_owed(self.clock.now()).await? else {
            return Ok(false);
        };
        match &owed.news {
            OwedNews::Raised(report) => self.report(report).await?,
            OwedNews::Ended(end) => self.end(end).await?,
        };
        self.alerts.settle_owed(&owed).await?;
        Ok(true)
    }
}

/// Writes a new alert to the log, for those who have no channel.
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
