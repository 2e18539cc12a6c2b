//! A condition as stored.

use ig_core::condition::{Condition, Filter};
use ig_core::integration::Script;
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{json, json_text};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ConditionDocument {
    /// The source code.
    Script(String),
    /// JSON text: a filter's field names contain dots.
    Filter(String),
}

impl From<&Condition> for ConditionDocument {
    fn from(condition: &Condition) -> Self {
        match condition {
            Condition::Script(script) => Self::Script(script.source().to_string()),
            Condition::Filter(filter) => Self::Filter(json_text(&filter.to_json())),
        }
    }
}

impl ConditionDocument {
    pub(super) fn read(self) -> Result<Condition, StoreError> {
        match self {
            Self::Script(source) => {
                let script = Script::new(&source).map_err(|_| unreadable("condition.script"))?;
                Ok(Condition::Script(script))
            }
            Self::Filter(text) => {
                let filter = Filter::from_json(&json("condition.filter", &text)?);
                Ok(Condition::Filter(filter.map_err(|_| unreadable("condition.filter"))?))
            }
        }
    }
}
