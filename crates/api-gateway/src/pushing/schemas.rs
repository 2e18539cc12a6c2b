//! Validates payloads against the schemas of their event types before any event is stored.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use ig_core::event_type::EventTypeDefinition;
use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_transform::script::Purpose;
use ig_transform::{TransformError, Verdict};

use crate::document::CheckedEvent;
use crate::error::{ApiError, Detail};
use crate::gateway::Gateway;

/// Counter, by `validation`: events whose payload violates the schema of their type.
const VIOLATIONS: &str = "ig_event_schema_violations_total";
/// How many payloads of one request are validated at once.
const CONCURRENCY: usize = 4;

/// The warnings of each event. A single event to reject refuses them all, with each fault at its place.
pub(super) async fn validate(
    gateway: &Gateway,
    org: OrgId,
    events: &[CheckedEvent],
    pointer: &impl Fn(usize) -> String,
) -> Result<Vec<Vec<Detail>>, ApiError> {
    let definitions: Vec<_> = {
        let configuration = gateway.feed().configuration();
        let org = configuration.org(org);
        let definition = |event: &CheckedEvent| org.and_then(|org| org.event_type(&event.event_type)).map(Arc::clone);
        events.iter().map(definition).collect()
    };
    let validations: Vec<_> = events
        .iter()
        .zip(definitions)
        .map(|(event, definition)| validate_event(gateway, event, definition))
        .collect();
    let verdicts: Vec<_> = stream::iter(validations).buffered(CONCURRENCY).try_collect().await?;
    let mut rejected = Faults::default();
    let mut warnings = Vec::with_capacity(events.len());
    for (at, (event, verdict)) in events.iter().zip(verdicts).enumerate() {
        let under_payload = |faults| {
            let mut prefixed = Faults::default();
            prefixed.add_below(&format!("{}/payload", pointer(at)), faults);
            prefixed
        };
        warnings.push(match verdict {
            Verdict::Fine => Vec::new(),
            Verdict::Warn(faults) => {
                metrics::counter!(VIOLATIONS, "validation" => "warn").increment(1);
                let faults = under_payload(faults);
                tracing::warn!(%org, event_type = %event.event_type, %faults, "a payload does not keep to its schema");
                ApiError::from(faults).details
            }
            Verdict::Reject(faults) => {
                metrics::counter!(VIOLATIONS, "validation" => "reject").increment(1);
                rejected.add_below("", under_payload(faults));
                Vec::new()
            }
        });
    }
    Ok(rejected.into_result(warnings)?)
}

async fn validate_event(
    gateway: &Gateway,
    event: &CheckedEvent,
    definition: Option<Arc<EventTypeDefinition>>,
) -> Result<Verdict, ApiError> {
    let Some(definition) = definition else {
        return Ok(Verdict::Fine);
    };
    let payload = event.payload.get().as_bytes();
    let validated = gateway.schemas().validate(&definition, payload, Purpose::Live).await;
    validated.map_err(|error| {
        let event_type = &event.event_type;
        tracing::warn!(%event_type, %error, "a payload cannot be held against its schema now");
        let reason = match error {
            TransformError::Disabled(..) => "that had to be stopped too often",
            TransformError::Refused(_) | TransformError::Unavailable(_) => "please try again",
        };
        ApiError::unavailable(format!(
            "Payloads of {event_type} cannot be held against the schema of their event type now: {reason}"
        ))
    })
}
