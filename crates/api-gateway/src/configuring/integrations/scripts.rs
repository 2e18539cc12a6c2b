//! Whether an integration's scripts compile: asked of the engine before anything is saved.

use ig_core::condition::Condition;
use ig_core::fault::Faults;
use ig_core::integration::{Integration, Script, Transformation};
use ig_core::schedule::{Schedule, Scheduling};
use ig_transform::script::ScriptKind;
use ig_transform::{TransformError, Transformer};

use crate::error::ApiError;

/// What is wrong with the scripts, by place.
pub(super) async fn faults(transformer: &Transformer, integration: &Integration) -> Result<Faults, ApiError> {
    let mut faults = Faults::default();
    for (place, script, kind) in scripts(integration) {
        match transformer.check(script.source(), kind).await {
            Ok(()) => {}
            Err(TransformError::Refused(refusal)) => faults.add(place, refusal.to_string()),
            Err(TransformError::Unavailable(reason)) => {
                tracing::warn!(reason, "scripts cannot be checked");
                return Err(ApiError::unavailable("Scripts cannot be checked now, please try again"));
            }
        }
    }
    Ok(faults)
}

fn scripts(integration: &Integration) -> Vec<(String, &Script, ScriptKind)> {
    let own = transformed("/transformScript".to_owned(), Some(&integration.transformation));
    let filter = judged("/filter".to_owned(), integration.filter.as_ref());
    let actions = integration.actions.iter().enumerate().flat_map(|(at, action)| {
        let transformation = transformed(format!("/actions/{at}/transformScript"), action.transformation.as_ref());
        let condition = judged(format!("/actions/{at}/condition"), action.condition.as_ref());
        transformation.into_iter().chain(condition)
    });
    let due = due(&integration.schedule);
    own.into_iter().chain(filter).chain(actions).chain(due).collect()
}

fn transformed(place: String, transformation: Option<&Transformation>) -> Option<(String, &Script, ScriptKind)> {
    match transformation? {
        Transformation::Script(script) => Some((place, script, ScriptKind::Transform)),
        Transformation::Simple(_) => None,
    }
}

fn due(schedule: &Schedule) -> Option<(String, &Script, ScriptKind)> {
    match schedule.when() {
        Scheduling::Delayed(delay) => Some(("/schedulingConfig/script".to_owned(), delay.script()?, ScriptKind::Transform)),
        Scheduling::Immediate | Scheduling::Recurring(_) => None,
    }
}

fn judged(place: String, condition: Option<&Condition>) -> Option<(String, &Script, ScriptKind)> {
    match condition? {
        Condition::Script(script) => Some((place, script, ScriptKind::Expression)),
        Condition::Filter(_) => None,
    }
}
