//! Alerts about disabled scripts and schemas.

use ig_core::alert::{Alert, Severity};
use ig_core::clock::Clock;
use ig_core::id::EventType;
use ig_core::ports::Alerts;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::schema::PayloadSchemas;
use crate::script::DisabledScript;

/// Raises an alert for each script or schema that a pool disables, until the pool ends.
pub async fn raise_disabled_alerts(
    mut disabled: Receiver<DisabledScript>,
    schemas: &PayloadSchemas,
    alerts: &dyn Alerts,
    clock: &dyn Clock,
) {
    loop {
        match disabled.recv().await {
            Ok(disabled) => {
                let schema_of = schemas.event_type_of(disabled.org, &disabled.hash);
                alerts.raise(&alert(&disabled, schema_of, clock)).await;
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "scripts were disabled faster than alerts are raised"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// The alert; `schema_of` is the event type of a disabled schema.
fn alert(disabled: &DisabledScript, schema_of: Option<EventType>, clock: &dyn Clock) -> Alert {
    let (stops, minutes) = (disabled.stops, disabled.cool_down.as_secs() / 60);
    let (kind, key, message) = match schema_of {
        Some(event_type) => (
            "schema-disabled",
            event_type.to_string(),
            format!(
                "Holding payloads against the schema of event type {event_type} had to be stopped {stops} times and is not done for {minutes} minutes. Its events wait meanwhile, and pushed ones are refused; make the schema simpler and they go on."
            ),
        ),
        None => (
            "script-disabled",
            disabled.hash.to_string(),
            format!(
                "A script had to be stopped {stops} times and is not run for {minutes} minutes. Its deliveries wait meanwhile, and its calls are refused; correct it and they are made."
            ),
        ),
    };
    Alert {
        org_id: Some(disabled.org),
        kind: kind.to_owned(),
        key,
        severity: Severity::Critical,
        message,
        at: clock.now(),
    }
}
