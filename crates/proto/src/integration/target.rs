//! Targets of deliveries, and actions with their own targets.

use ig_core::integration::{Action, Target};

use crate::invalid::{InvalidMessage, Within as _, optional};
use crate::v1;

impl From<&Target> for v1::Target {
    fn from(target: &Target) -> Self {
        let Target { url, method } = target;
        Self {
            url: url.to_string(),
            method: method.to_string(),
        }
    }
}

impl TryFrom<v1::Target> for Target {
    type Error = InvalidMessage;

    fn try_from(message: v1::Target) -> Result<Self, InvalidMessage> {
        let v1::Target { url, method } = message;
        Ok(Self {
            url: url.parse().within("url")?,
            method: method.parse().within("method")?,
        })
    }
}

impl From<&Action> for v1::Action {
    fn from(action: &Action) -> Self {
        let Action {
            name,
            condition,
            target,
            transformation,
        } = action;
        Self {
            name: name.clone(),
            condition: condition.as_ref().map(Into::into),
            target: target.as_ref().map(Into::into),
            transformation: transformation.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::Action> for Action {
    type Error = InvalidMessage;

    fn try_from(message: v1::Action) -> Result<Self, InvalidMessage> {
        let v1::Action {
            name,
            target,
            transformation,
            condition,
        } = message;
        Ok(Self {
            name,
            condition: optional(condition, "condition")?,
            target: optional(target, "target")?,
            transformation: optional(transformation, "transformation")?,
        })
    }
}
