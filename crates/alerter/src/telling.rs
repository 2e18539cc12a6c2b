//! Takes alerts down and tells people of the new ones.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::Alert;
use ig_core::clock::Clock;
use ig_core::ports::StoreError;
use ig_store::{AlertTimes, Alerts, Raised};
use tokio_util::sync::CancellationToken;

/// How often it is looked for alerts that are owed.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait for a database that is away.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Tells people. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Telling {
    alerts: Alerts,
    times: AlertTimes,
    clock: Arc<dyn Clock>,
}

impl Telling {
    pub(crate) fn new(alerts: Alerts, times: AlertTimes, clock: Arc<dyn Clock>) -> Self {
        Self { alerts, times, clock }
    }

    /// Takes an alert down; people are told unless they were within the quiet time, and whether they were is the answer.
    pub(crate) async fn tell(&self, alert: &Alert) -> Result<bool, StoreError> {
        let raised = self.alerts.raise(alert, self.times, self.clock.now()).await?;
        let is_new = raised == Raised::Told;
        if is_new {
            say(alert);
        }
        Ok(is_new)
    }

    /// Tells of what is owed until told to stop. Whoever dies between telling and settling leaves it to be counted once more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.settle_one().await {
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "alerts that are owed cannot be told; trying again");
                    AFTER_ERROR
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Tells of one alert that is owed; false where there is none.
    async fn settle_one(&self) -> Result<bool, StoreError> {
        let Some(owed) = self.alerts.take_owed(self.clock.now()).await? else {
            return Ok(false);
        };
        self.tell(&owed.alert).await?;
        self.alerts.settle_owed(&owed).await?;
        Ok(true)
    }
}

/// The log is the one channel of this version.
fn say(alert: &Alert) {
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
