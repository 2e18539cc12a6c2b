//! One integration may send several requests for one event.

use super::{Integration, Target, Transformation};
use crate::condition::Condition;

/// One of several requests that an event causes; what it leaves out is the integration's.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name in logs, unique within the integration.
    pub name: String,
    /// When it is made; always where absent.
    pub condition: Option<Condition>,
    /// Where it goes instead.
    pub target: Option<Target>,
    /// How the payload changes shape instead.
    pub transformation: Option<Transformation>,
}

/// An action with all that it inherits filled in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedAction<'a> {
    /// Its place in the sequence, from 0.
    pub index: u16,
    /// Its name, where the integration has named actions.
    pub name: Option<&'a str>,
    /// When it is made; always where absent.
    pub condition: Option<&'a Condition>,
    /// Where it goes.
    pub target: &'a Target,
    /// How the payload changes shape.
    pub transformation: &'a Transformation,
}

impl<'a> PlannedAction<'a> {
    pub(super) fn whole(integration: &'a Integration) -> Self {
        Self {
            index: 0,
            name: None,
            condition: None,
            target: &integration.target,
            transformation: &integration.transformation,
        }
    }

    pub(super) fn of(integration: &'a Integration, index: usize, action: &'a Action) -> Self {
        Self {
            index: u16::try_from(index).unwrap_or(u16::MAX),
            name: Some(&action.name),
            condition: action.condition.as_ref(),
            target: action.target.as_ref().unwrap_or(&integration.target),
            transformation: action.transformation.as_ref().unwrap_or(&integration.transformation),
        }
    }
}
