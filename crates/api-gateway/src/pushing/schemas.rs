//! Payloads held against the schemas of their event types before anything is taken in.

use ig_core::fault::Faults;
use ig_core::id::OrgId;
use ig_transform::Verdict;

use crate::document::CheckedEvent;
use crate::error::{ApiError, Detail};
use crate::gateway::Gateway;

/// Counter, by `validation`: events whose payload does not keep to the schema of their type.
const VIOLATIONS: &str = "ig_event_schema_violations_total";

/// What each event is taken in with a warning of; any that is to be rejected refuses them all, each fault by its place.
pub(super) fn judged(
    gateway: &Gateway,
    org: OrgId,
    events: &[CheckedEvent],
    place: &impl Fn(usize) -> String,
) -> Result<Vec<Vec<Detail>>, ApiError> {
    let configuration = gateway.feed().configuration();
    let mut rejected = Faults::default();
    let mut warnings = Vec::with_capacity(events.len());
    for (at, event) in events.iter().enumerate() {
        let below = |faults| {
            let mut placed = Faults::default();
            placed.absorb(&format!("{}/payload", place(at)), faults);
            placed
        };
        let definition = configuration.org(org).and_then(|org| org.event_type(&event.event_type));
        let enforced = definition.filter(|definition| definition.enforced_schema().is_some());
        let verdict = match enforced {
            None => Verdict::Fine,
            Some(definition) => {
                let payload = ig_core::json::parse(event.payload.get().as_bytes())
                    .map_err(|error| ApiError::fault(&format!("{}/payload", place(at)), error.to_string()))?;
                gateway.schemas().judge(definition, &payload)
            }
        };
        warnings.push(match verdict {
            Verdict::Fine => Vec::new(),
            Verdict::Warn(faults) => {
                metrics::counter!(VIOLATIONS, "validation" => "warn").increment(1);
                let faults = below(faults);
                tracing::warn!(%org, event_type = %event.event_type, %faults, "a payload does not keep to its schema");
                ApiError::from(faults).details
            }
            Verdict::Reject(faults) => {
                metrics::counter!(VIOLATIONS, "validation" => "reject").increment(1);
                rejected.absorb("", below(faults));
                Vec::new()
            }
        });
    }
    Ok(rejected.into_result(warnings)?)
}
