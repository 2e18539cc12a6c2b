//! Opening and closing a breaker for all: in the configuration that every process follows, and before people.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Direction;
use ig_core::integration::{Guarded, Hold};
use ig_core::ports::{Alerts, SwitchError, Switches};

/// How often a switch is tried that the database does not make, and the pause after the first try.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Switches integrations.
pub(super) struct Opening {
    switches: Arc<dyn Switches>,
    alerts: Arc<dyn Alerts>,
}

impl Opening {
    /// Puts the parts together.
    pub(super) fn new(switches: Arc<dyn Switches>, alerts: Arc<dyn Alerts>) -> Self {
        Self { switches, alerts }
    }

    /// Holds an integration's deliveries and tells people why.
    pub(super) async fn open(&self, integration: &Guarded<'_>, hold: &Hold, now: Timestamp) {
        self.hold(integration, hold, now).await;
        let message = opened(integration, hold);
        self.alerts.raise(&alert(integration, Severity::Critical, message, now)).await;
    }

    /// Holds an integration's deliveries. Who was faster has done it, or has changed the integration since: then it is counted anew.
    pub(super) async fn hold(&self, integration: &Guarded<'_>, hold: &Hold, now: Timestamp) {
        self.switch(integration, Some(hold), now).await;
    }

    /// Sends an integration's deliveries again, and tells people.
    pub(super) async fn close(&self, integration: &Guarded<'_>, now: Timestamp) {
        self.switch(integration, None, now).await;
        let message = closed(integration);
        self.alerts.raise(&alert(integration, Severity::Info, message, now)).await;
    }

    async fn switch(&self, integration: &Guarded<'_>, hold: Option<&Hold>, now: Timestamp) {
        match self.switched(integration, hold, now).await {
            Ok(()) => {}
            Err(refused @ SwitchError::Stale) => {
                tracing::info!(%refused, integration = %integration.id, known = integration.revision, "an integration was not switched");
            }
            Err(SwitchError::Store(error)) => {
                tracing::warn!(%error, integration = %integration.id, "an integration could not be switched; what comes next for it tries again");
            }
        }
    }

    /// Other processes learn of it by this alone, so a database that is busy for a moment is asked again.
    async fn switched(&self, integration: &Guarded<'_>, hold: Option<&Hold>, now: Timestamp) -> Result<(), SwitchError> {
        let mut tries = 1;
        loop {
            match self.switches.switch(integration, hold, now).await {
                Err(SwitchError::Store(error)) if tries < TRIES => {
                    tracing::warn!(%error, integration = %integration.id, tries, "an integration could not be switched yet");
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                switched => return switched,
            }
        }
    }
}

/// What people read when a breaker opens.
fn opened(integration: &Guarded<'_>, hold: &Hold) -> String {
    let meanwhile = match integration.direction {
        Direction::Outbound => "Its deliveries wait as dead letters",
        Direction::Inbound => "Calls to it are refused",
    };
    format!(
        "The integration \"{}\" is held. {} {meanwhile}; enable it again when its target is well.",
        integration.name, hold.reason
    )
}

/// What people read when a breaker closes.
fn closed(integration: &Guarded<'_>) -> String {
    let from_now_on = match integration.direction {
        Direction::Outbound => "its deliveries are sent again. What was held waits for a redrive",
        Direction::Inbound => "calls are let through again",
    };
    format!(
        "The target of the integration \"{}\" has recovered and {from_now_on}.",
        integration.name
    )
}

fn alert(integration: &Guarded<'_>, severity: Severity, message: String, now: Timestamp) -> Alert {
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
