//! Opening and closing a breaker for all: in the configuration that every process follows, and before people.

use std::sync::Arc;
use std::time::Duration;

use ig_core::alert::{Alert, Severity};
use ig_core::breaker::Breaker;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::Direction;
use ig_core::integration::{Guarded, Hold};
use ig_core::ports::{StoreError, SwitchError, Switches};

/// How often a switch is tried that the database does not make, and the pause after the first try.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Switches integrations.
pub(super) struct Opening {
    switches: Arc<dyn Switches>,
}

impl Opening {
    /// Switches through this.
    pub(super) fn new(switches: Arc<dyn Switches>) -> Self {
        Self { switches }
    }

    /// Stores what follows a breaker, holds the integration, or lets it go, and has people told, as one.
    pub(super) async fn turn(
        &self,
        integration: &Guarded<'_>,
        hold: Option<&Hold>,
        next: &Breaker,
        now: Timestamp,
    ) -> Result<Turned, StoreError> {
        let alert = match hold {
            Some(hold) => alert(integration, Severity::Critical, opened(integration, hold), now),
            None => alert(integration, Severity::Info, closed(integration), now),
        };
        let turned = insisted(integration, || self.switches.turn(integration, hold, next, &alert, now)).await;
        match turned {
            Ok(true) => Ok(Turned::Done),
            Ok(false) => Ok(Turned::Outrun),
            Err(refused @ SwitchError::Stale) => {
                tracing::info!(%refused, integration = %integration.id, known = integration.revision, "a breaker was not turned");
                Ok(Turned::Stale)
            }
            Err(SwitchError::Store(error)) => Err(error),
        }
    }

    /// Holds an integration whose breaker is open, and has people told. Who was faster has done it, or has changed the integration since:
    /// then it is counted anew.
    pub(super) async fn open(&self, integration: &Guarded<'_>, hold: &Hold, now: Timestamp) {
        let alert = alert(integration, Severity::Critical, opened(integration, hold), now);
        match insisted(integration, || self.switches.hold(integration, hold, &alert, now)).await {
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

/// What became of a breaker that was to be turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is stored, and the integration is switched.
    Done,
    /// Somebody else has changed the breaker since; nothing was done.
    Outrun,
    /// Somebody has changed the integration since; nothing was done.
    Stale,
}

/// Other processes learn of a switch by this alone, so a database that is busy for a moment is asked again.
async fn insisted<T, F>(integration: &Guarded<'_>, switch: impl Fn() -> F) -> Result<T, SwitchError>
where
    F: Future<Output = Result<T, SwitchError>>,
{
    let mut tries = 1;
    loop {
        match switch().await {
            Err(SwitchError::Store(error)) if tries < TRIES => {
                tracing::warn!(%error, integration = %integration.id, tries, "an integration could not be switched yet");
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
            switched => return switched,
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
