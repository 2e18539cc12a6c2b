//! The scripts of an integration.

use ig_core::condition::Condition;
use ig_core::integration::Integration;
use ig_core::schedule::{Schedule, Scheduling};
use ig_transform::script::ScriptKind;

use super::super::scripts::{Placed, transformed};

/// Every script, with its JSON pointer.
pub(super) fn placed(integration: &Integration) -> Vec<Placed<'_>> {
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

fn due(schedule: &Schedule) -> Option<Placed<'_>> {
    match schedule.when() {
        Scheduling::Delayed(delay) => Some(("/schedulingConfig/script".to_owned(), delay.script()?, ScriptKind::Transform)),
        Scheduling::Immediate | Scheduling::Recurring(_) => None,
    }
}

fn judged(place: String, condition: Option<&Condition>) -> Option<Placed<'_>> {
    match condition? {
        Condition::Script(script) => Some((place, script, ScriptKind::Expression)),
        Condition::Filter(_) => None,
    }
}
