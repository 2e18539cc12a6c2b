//! Opens and closes an integration's breaker for every process, by way of the configuration that all follow, and alerts people.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::breaker::Breaker;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Direction;
use ig_core::integration::{BreakerSubject, Hold};
use ig_core::ports::{StoreError, SwitchError, Switches};

/// How often a switch is tried while the database is unavailable, and the pause after the first try.
const MAX_ATTEMPTS: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Holds and releases integrations.
pub(super) struct IntegrationSwitch {
    switches: Arc<dyn Switches>,
}

impl IntegrationSwitch {
    pub(super) fn new(switches: Arc<dyn Switches>) -> Self {
        Self { switches }
    }

    /// Stores the next breaker, holds or releases the integration, and raises the alert, as one write.
    pub(super) async fn apply(
        &self,
        integration: &BreakerSubject<'_>,
        hold: Option<&Hold>,
        next: &Breaker,
        now: Timestamp,
    ) -> Result<SwitchOutcome, StoreError> {
        let alert = match hold {
            Some(hold) => new_alert(integration, Severity::Critical, opened_message(integration, hold), now),
            None => new_alert(integration, Severity::Info, closed_message(integration), now),
        };
        let applied = with_retries(integration, || {
            self.switches.apply_breaker(integration, hold, next, &alert, now)
        })
        .await;
        match applied {
            Ok(true) => Ok(SwitchOutcome::Applied),
            Ok(false) => Ok(SwitchOutcome::Conflict),
            Err(refused @ SwitchError::Stale) => {
                tracing::info!(%refused, integration = %integration.id, known = integration.revision, "a breaker was not turned");
                Ok(SwitchOutcome::Stale)
            }
            Err(SwitchError::Store(error)) => Err(error),
        }
    }

    /// Holds an integration whose breaker is open, and raises the alert. A stale switch needs nothing: another process has made it, or the
    /// integration has changed and its failures are counted again.
    pub(super) async fn hold(&self, integration: &BreakerSubject<'_>, hold: &Hold, now: Timestamp) {
        let alert = new_alert(integration, Severity::Critical, opened_message(integration, hold), now);
        match with_retries(integration, || self.switches.hold(integration, hold, &alert, now)).await {
            Ok(()) => {}
            Err(refused @ SwitchError::Stale) => {
                tracing::info!(%refused, integration = %integration.id, known = integration.revision, "an integration was not switched");
            }
            Err(SwitchError::Store(error)) => {
                tracing::warn!(%error, integration = %integration.id, "an integration could not be switched; what comes next for it tries again");
            }
        }
    }
}

/// What became of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SwitchOutcome {
    /// The breaker is stored, and the integration is switched.
    Applied,
    /// Another process changed the breaker first; nothing was written.
    Conflict,
    /// The integration has changed; nothing was written.
    Stale,
}

/// Other processes learn of a switch by this write alone, so it is retried while the database is busy.
async fn with_retries<T, F>(integration: &BreakerSubject<'_>, switch: impl Fn() -> F) -> Result<T, SwitchError>
where
    F: Future<Output = Result<T, SwitchError>>,
{
    let mut tries = 1;
    loop {
        match switch().await {
            Err(SwitchError::Store(error)) if tries < MAX_ATTEMPTS => {
                tracing::warn!(%error, integration = %integration.id, tries, "an integration could not be switched yet");
                tokio::time::sleep(RETRY_PAUSE * tries).await;
                tries += 1;
            }
            switched => return switched,
        }
    }
}

/// The alert's text when a breaker opens.
fn opened_message(integration: &BreakerSubject<'_>, hold: &Hold) -> String {
    let meanwhile = match integration.direction {
        Direction::Outbound => "Its deliveries wait as dead letters",
        Direction::Inbound => "Calls to it are refused",
        Direction::Scheduled => "It does not run",
    };
    format!(
        "The integration \"{}\" is held. {} {meanwhile}; enable it again when its target is well.",
        integration.name, hold.reason
    )
}

/// The alert's text when a breaker closes.
fn closed_message(integration: &BreakerSubject<'_>) -> String {
    let from_now_on = match integration.direction {
        Direction::Outbound => "its deliveries are sent again. What was held waits for a redrive",
        Direction::Inbound => "calls are let through again",
        Direction::Scheduled => "it runs again. What was held waits for a redrive",
    };
    format!(
        "The target of the integration \"{}\" has recovered and {from_now_on}.",
        integration.name
    )
}

fn new_alert(integration: &BreakerSubject<'_>, severity: Severity, message: String, now: Timestamp) -> Alert {
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
