//! The scripts of an integration.

use ig_core::condition::Condition;
use ig_core::integration::Integration;
use ig_core::schedule::{Schedule, Scheduling};
use ig_transform::script::ScriptKind;

use super::super::scripts::{LocatedScript, transformation_script};

/// Every script, with its JSON pointer.
pub(super) fn located(integration: &Integration) -> Vec<LocatedScript<'_>> {
    let own = transformation_script("/transformScript".to_owned(), Some(&integration.transformation));
    let filter = condition_script("/filter".to_owned(), integration.filter.as_ref());
    let actions = integration.actions.iter().enumerate().flat_map(|(at, action)| {
        let transformation = transformation_script(format!("/actions/{at}/transformScript"), action.transformation.as_ref());
        let condition = condition_script(format!("/actions/{at}/condition"), action.condition.as_ref());
        transformation.into_iter().chain(condition)
    });
    let due = schedule_script(&integration.schedule);
    own.into_iter().chain(filter).chain(actions).chain(due).collect()
}

fn schedule_script(schedule: &Schedule) -> Option<LocatedScript<'_>> {
    match schedule.when() {
        Scheduling::Delayed(delay) => Some(("/schedulingConfig/script".to_owned(), delay.script()?, ScriptKind::Transform)),
        Scheduling::Immediate | Scheduling::Recurring(_) => None,
    }
}

fn condition_script(pointer: String, condition: Option<&Condition>) -> Option<LocatedScript<'_>> {
    match condition? {
        Condition::Script(script) => Some((pointer, script, ScriptKind::Expression)),
        Condition::Filter(_) => None,
    }
}
