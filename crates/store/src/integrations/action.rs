//! An action of an integration as stored.

use ig_core::integration::{Action, Target};
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use super::condition::ConditionDocument;
use super::mapping::TransformationDocument;
use super::words;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionDocument {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ConditionDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transformation: Option<TransformationDocument>,
}

/// The target of a request as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetDocument {
    target_url: String,
    http_method: String,
}

impl From<&Action> for ActionDocument {
    fn from(action: &Action) -> Self {
        let Action {
            name,
            condition,
            target,
            transformation,
        } = action;
        Self {
            name: name.clone(),
            condition: condition.as_ref().map(ConditionDocument::from),
            target: target.as_ref().map(TargetDocument::from),
            transformation: transformation.as_ref().map(TransformationDocument::from),
        }
    }
}

impl ActionDocument {
    /// The same without its transformation.
    pub(super) fn untransformed(self) -> Self {
        Self {
            transformation: None,
            ..self
        }
    }

    pub(super) fn read(self) -> Result<Action, StoreError> {
        Ok(Action {
            name: self.name,
            condition: self.condition.map(ConditionDocument::read).transpose()?,
            target: self.target.map(|target| target.read()).transpose()?,
            transformation: self.transformation.map(TransformationDocument::read).transpose()?,
        })
    }
}

impl From<&Target> for TargetDocument {
    fn from(target: &Target) -> Self {
        Self {
            target_url: target.url.to_string(),
            http_method: target.method.to_string(),
        }
    }
}

impl TargetDocument {
    pub(crate) fn read(&self) -> Result<Target, StoreError> {
        words::target(&self.target_url, &self.http_method)
    }
}
