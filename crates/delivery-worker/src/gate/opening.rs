//! Opening and closing a breaker for all: in the configuration that every worker follows, and before people.

use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Timestamp;
use ig_core::integration::{Hold, Integration};
use ig_store::{CommitError, Configurations, Expected};

use crate::alerting::Alerting;

/// How often a switch is tried that the database does not make, and the pause after the first try.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Switches integrations.
pub(crate) struct Opening {
    configurations: Configurations,
    alerting: Alerting,
}

impl Opening {
    /// Puts the parts together.
    pub(crate) fn new(configurations: Configurations, alerting: Alerting) -> Self {
        Self {
            configurations,
            alerting,
        }
    }

    /// Holds an integration's deliveries and tells people why.
    pub(crate) async fn open(&self, integration: &Integration, hold: &Hold, now: Timestamp) {
        self.hold(integration, hold, now).await;
        let message = format!(
            "The integration \"{}\" is held. {} Its deliveries wait as dead letters; enable it again when its target is well.",
            integration.name, hold.reason
        );
        self.alerting
            .raise(&alert(integration, Severity::Critical, message, now))
            .await;
    }

    /// Holds an integration's deliveries. Who was faster has done it, or has changed the integration since: then it is counted anew.
    pub(crate) async fn hold(&self, integration: &Integration, hold: &Hold, now: Timestamp) {
        self.switch(integration, Some(hold), now).await;
    }

    /// Sends an integration's deliveries again, and tells people.
    pub(crate) async fn close(&self, integration: &Integration, now: Timestamp) {
        self.switch(integration, None, now).await;
        let message = format!(
            "The target of the integration \"{}\" has recovered and its deliveries are sent again. What was held waits for a redrive.",
            integration.name
        );
        self.alerting.raise(&alert(integration, Severity::Info, message, now)).await;
    }

    async fn switch(&self, integration: &Integration, hold: Option<&Hold>, now: Timestamp) {
        match self.switched(integration, hold, now).await {
            Ok(_) => {}
            Err(refused @ (CommitError::Stale { .. } | CommitError::NotFound)) => {
                tracing::info!(%refused, integration = %integration.id, known = integration.revision, "an integration was not switched");
            }
            Err(error @ (CommitError::Duplicate { .. } | CommitError::Store(_))) => {
                tracing::warn!(%error, integration = %integration.id, "an integration could not be switched; its next delivery tries again");
            }
        }
    }

    /// Other workers learn of it by this alone, so a database that is busy for a moment is asked again.
    async fn switched(&self, integration: &Integration, hold: Option<&Hold>, now: Timestamp) -> Result<u64, CommitError> {
        let expected = Expected::Revision(integration.revision);
        let mut tries = 1;
        loop {
            let switching = self
                .configurations
                .switch(integration.org_id, integration.id, hold, expected, now);
            match switching.await {
                Err(CommitError::Store(error)) if tries < TRIES => {
                    tracing::warn!(%error, integration = %integration.id, tries, "an integration could not be switched yet");
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                switched => return switched,
            }
        }
    }
}

fn alert(integration: &Integration, severity: Severity, message: String, now: Timestamp) -> Alert {
    Alert {
        org_id: Some(integration.org_id),
        kind: match severity {
            Severity::Info => "circuit-closed".to_owned(),
            Severity::Warning | Severity::Critical => "circuit-open".to_owned(),
        },
        key: integration.id.to_string(),
        severity,
        message,
        at: now,
    }
}
