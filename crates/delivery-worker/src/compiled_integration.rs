//! Integrations compiled when their configuration arrives, so that no event pays for parsing.

use std::sync::Arc;

use ig_core::condition::Condition;
use ig_core::delivery_log::Direction;
use ig_core::fault::Faults;
use ig_core::integration::{BreakerSubject, Integration, PlannedAction};
use ig_core::schedule::{ScheduleMode, Scheduling};
use ig_delivery::Template;
use ig_transform::{CompiledCondition, CompiledFilter, CompiledScript, CompiledShape};
use serde_json::Value;

/// One request of an integration, compiled but for its payload.
#[derive(Debug)]
pub(crate) struct CompiledAction {
    /// The conditions of the action, each with the reason recorded when it does not hold.
    pub conditions: Vec<(CompiledCondition, &'static str)>,
    /// How the payload is transformed.
    pub shape: CompiledShape,
    /// The request without its body.
    pub template: Template,
}

impl CompiledAction {
    fn new(integration: &Integration, action: &PlannedAction<'_>) -> Result<Self, String> {
        let to_message = |faults: Faults| faults.to_string();
        let shape = CompiledShape::compile(action.transformation, &integration.lookups, integration.script_timeout);
        Ok(Self {
            conditions: conditions(integration, action).map_err(to_message)?,
            shape: shape.map_err(to_message)?,
            template: Template::compile(integration, action).map_err(to_message)?,
        })
    }
}

fn declared_filter(integration: &Integration) -> Result<Option<CompiledFilter>, String> {
    match &integration.filter {
        Some(Condition::Filter(filter)) => CompiledFilter::compile(filter).map(Some).map_err(|faults| faults.to_string()),
        Some(Condition::Script(_)) | None => Ok(None),
    }
}

/// A filter that is a script runs with the action, in its lane: the reader waits for no script.
fn conditions(integration: &Integration, action: &PlannedAction<'_>) -> Result<Vec<(CompiledCondition, &'static str)>, Faults> {
    let scripted = integration
        .filter
        .as_ref()
        .filter(|filter| matches!(filter, Condition::Script(_)));
    let filter = scripted.map(|filter| (filter, "the integration's filter was false"));
    let own = action
        .condition
        .map(|condition| (condition, "the action's condition was false"));
    let both = filter.into_iter().chain(own);
    both.map(|(condition, skip_reason)| {
        let compiled = CompiledCondition::compile(condition, integration.script_timeout)?;
        Ok((compiled, skip_reason))
    })
    .collect()
}

/// An integration, ready to deliver.
#[derive(Debug)]
pub(crate) struct CompiledIntegration {
    /// The integration as configured.
    pub integration: Arc<Integration>,
    /// Its direction: a repeated inbound call is a delivery too.
    pub direction: Direction,
    /// Its actions in sequence; the error says why an action cannot be made.
    pub actions: Vec<Result<CompiledAction, String>>,
    /// The script that computes when its deliveries are due, if it has one.
    pub due_script: Option<CompiledScript>,
    /// Its declarative filter, if it has one.
    filter: Option<CompiledFilter>,
}

impl CompiledIntegration {
    /// Compiles an integration.
    pub(crate) fn new(integration: Arc<Integration>, direction: Direction) -> Self {
        let planned = integration.planned_actions();
        let filter = declared_filter(&integration);
        // A filter that does not compile must not turn into no filter.
        let actions = planned.iter().map(|action| match &filter {
            Ok(_) => CompiledAction::new(&integration, action),
            Err(reason) => Err(reason.clone()),
        });
        let actions = actions.collect();
        Self {
            filter: filter.ok().flatten(),
            due_script: due_script(&integration),
            integration,
            direction,
            actions,
        }
    }

    /// The integration as its circuit breaker sees it.
    pub(crate) fn breaker_subject(&self) -> BreakerSubject<'_> {
        BreakerSubject {
            direction: self.direction,
            ..self.integration.breaker_subject()
        }
    }

    /// Whether its deliveries are made later than their events arrive.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.integration.schedule.mode() != ScheduleMode::Immediate
    }

    /// Whether its declarative filter accepts this payload.
    pub(crate) fn accepts(&self, payload: &Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(payload))
    }
}

fn due_script(integration: &Integration) -> Option<CompiledScript> {
    match integration.schedule.when() {
        Scheduling::Delayed(delay) => Some(CompiledScript::new(delay.script()?, integration.script_timeout)),
        Scheduling::Immediate | Scheduling::Recurring(_) => None,
    }
}
