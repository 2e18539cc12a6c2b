//! Conditions, as clients write them: a script expression or a declarative filter.

use ig_core::condition::{Condition, Filter};
use ig_core::fault::Faults;
use ig_core::integration::Script;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::checks::Checks;

/// A condition on the payload. A string is a script expression such as `payload.age >= 18`; an object is a filter such as
/// `{"field": "patient.age", "gte": 18}`, `{"and": [...]}`, `{"or": [...]}` or `{"not": {...}}`.
#[derive(Debug, Clone, PartialEq, ToSchema)]
#[serde(untagged)]
#[schema(as = Condition)]
pub enum ConditionDocument {
    /// A script expression.
    Script(String),
    /// A declarative filter.
    #[schema(value_type = Object)]
    Filter(Map<String, Value>),
}

impl ConditionDocument {
    /// The condition. A filter is compiled once to validate its paths and expressions.
    pub(crate) fn into_domain(self, checks: &dyn Checks) -> Result<Condition, Faults> {
        match self {
            Self::Script(source) => Script::new(&source).map(Condition::Script),
            Self::Filter(filter) => {
                let filter = Filter::from_json(&Value::Object(filter))?;
                checks.filter(&filter)?;
                Ok(Condition::Filter(filter))
            }
        }
    }
}

impl From<Condition> for ConditionDocument {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Script(script) => Self::Script(script.source().to_string()),
            Condition::Filter(filter) => match filter.to_json() {
                Value::Object(fields) => Self::Filter(fields),
                // A filter's canonical form is an object.
                other => Self::Filter(Map::from_iter([("and".to_owned(), Value::Array(vec![other]))])),
            },
        }
    }
}

/// The forms of a condition in JSON, where a text and an object differ by themselves.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Plain {
    Script(String),
    Filter(Map<String, Value>),
}

/// The forms of a condition in a binary format, where a filter is text as well.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Tagged {
    Script(String),
    Filter(#[serde(with = "crate::json_text")] Map<String, Value>),
}

impl Serialize for ConditionDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_text = serializer.is_human_readable();
        match self.clone() {
            Self::Script(source) if is_text => Plain::Script(source).serialize(serializer),
            Self::Filter(filter) if is_text => Plain::Filter(filter).serialize(serializer),
            Self::Script(source) => Tagged::Script(source).serialize(serializer),
            Self::Filter(filter) => Tagged::Filter(filter).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ConditionDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Plain::deserialize(deserializer).map(|plain| match plain {
                Plain::Script(source) => Self::Script(source),
                Plain::Filter(filter) => Self::Filter(filter),
            });
        }
        Tagged::deserialize(deserializer).map(|tagged| match tagged {
            Tagged::Script(source) => Self::Script(source),
            Tagged::Filter(filter) => Self::Filter(filter),
        })
    }
}
