//! Conditions, as clients write them: a script expression or a declarative filter.

use ig_core::condition::{Condition, Filter};
use ig_core::fault::Faults;
use ig_core::integration::Script;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A condition on the payload. A string is a script expression such as `payload.age >= 18`; an object is a filter such as
/// `{"field": "patient.age", "gte": 18}`, `{"and": [...]}`, `{"or": [...]}` or `{"not": {...}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Condition)]
pub(crate) enum ConditionDocument {
    /// A script expression.
    Script(String),
    /// A declarative filter.
    #[schema(value_type = Object)]
    Filter(Map<String, Value>),
}

impl ConditionDocument {
    /// The condition. A filter is compiled once to validate its paths and expressions.
    pub(super) fn into_domain(self) -> Result<Condition, Faults> {
        match self {
            Self::Script(source) => Script::new(&source).map(Condition::Script),
            Self::Filter(filter) => {
                let filter = Filter::from_json(&Value::Object(filter))?;
                ig_transform::CompiledFilter::compile(&filter)?;
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
