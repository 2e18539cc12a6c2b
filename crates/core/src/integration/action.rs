//! Actions: an integration may send several requests for one event.

use super::{Integration, Target, Transformation};
use crate::condition::Condition;

/// One of several requests for an event; absent fields inherit from the integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name in logs, unique within the integration.
    pub name: String,
    /// Its condition; `None` always sends.
    pub condition: Option<Condition>,
    /// Its own target.
    pub target: Option<Target>,
    /// Its own transformation.
    pub transformation: Option<Transformation>,
}

/// An action with its inherited fields filled in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedAction<'a> {
    /// Its index in the sequence, from 0.
    pub index: u16,
    /// Its name, where the integration has named actions.
    pub name: Option<&'a str>,
    /// Its condition; `None` always sends.
    pub condition: Option<&'a Condition>,
    /// Its target.
    pub target: &'a Target,
    /// Its transformation.
    pub transformation: &'a Transformation,
}

impl<'a> PlannedAction<'a> {
    pub(super) fn of_integration(integration: &'a Integration) -> Self {
        Self {
            index: 0,
            name: None,
            condition: None,
            target: &integration.target,
            transformation: &integration.transformation,
        }
    }

    pub(super) fn of_action(integration: &'a Integration, index: usize, action: &'a Action) -> Self {
        Self {
            index: u16::try_from(index).unwrap_or(u16::MAX),
            name: Some(&action.name),
            condition: action.condition.as_ref(),
            target: action.target.as_ref().unwrap_or(&integration.target),
            transformation: action.transformation.as_ref().unwrap_or(&integration.transformation),
        }
    }
}
