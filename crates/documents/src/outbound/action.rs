//! The actions of an integration, as clients write them.

use ig_core::fault::Faults;
use ig_core::integration::{Action, HttpMethod, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::checks::Checks;
use crate::choice::{Method, TransformationMode};
use crate::condition::ConditionDocument;
use crate::mapping::{MappingRule, StaticRule};
use crate::text::{collect_faults, name};
use crate::transformation::TransformationFields;

const MOST: usize = 50;

/// One of several requests sent for an event. Fields that are absent fall back to the integration's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Action)]
pub struct ActionDocument {
    /// Its name, unique within the integration.
    pub name: String,
    /// The condition for sending it; always where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionDocument>,
    /// The target, instead of the integration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
    /// The HTTP method, instead of the integration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<Method>,
    /// How the payload is transformed, instead of the integration's mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transformation_mode: Option<TransformationMode>,
    /// The fields to copy from the payload, instead of the integration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_mappings: Option<Vec<MappingRule>>,
    /// The fields to write into every payload, instead of the integration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_fields: Option<Vec<StaticRule>>,
    /// Whether the result starts as a copy of the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<bool>,
    /// The script, instead of the integration's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform_script: Option<String>,
}

/// The actions. An action that names only a method or only an address takes the other from the integration's target.
pub(crate) fn into_domain(
    actions: Vec<ActionDocument>,
    whole: Option<&Target>,
    checks: &dyn Checks,
) -> Result<Vec<Action>, Faults> {
    let mut faults = Faults::default();
    if actions.len() > MOST {
        faults.add("", format!("must be at most {MOST}"));
    }
    let mut checked: Vec<Action> = Vec::with_capacity(actions.len());
    for (at, document) in actions.into_iter().enumerate() {
        let action = document
            .checked(whole, checks)
            .map_err(|found| faults.add_below(&format!("/{at}"), found));
        let Ok(action) = action else { continue };
        if checked.iter().any(|other| other.name == action.name) {
            faults.add(format!("/{at}/name"), "is another action's name");
        }
        checked.push(action);
    }
    faults.into_result(checked)
}

impl ActionDocument {
    fn checked(self, whole: Option<&Target>, checks: &dyn Checks) -> Result<Action, Faults> {
        let Self {
            name: shown,
            condition,
            target_url,
            http_method,
            transformation_mode,
            field_mappings,
            static_fields,
            passthrough,
            transform_script,
        } = self;
        let mut faults = Faults::default();
        let url = target_url.map(|text| collect_faults(&mut faults, "/targetUrl", text.parse()));
        let transformed = TransformationFields {
            mode: transformation_mode,
            rules: field_mappings,
            statics: static_fields,
            passthrough,
            script: transform_script,
        };
        let condition = condition.map(|condition| collect_faults(&mut faults, "/condition", condition.into_domain(checks)));
        let action = Action {
            name: collect_faults(&mut faults, "/name", name(&shown, 200)).unwrap_or_default(),
            condition: condition.flatten(),
            target: instead(url.flatten(), http_method.map(HttpMethod::from), whole),
            transformation: if transformed.is_silent() {
                None
            } else {
                collect_faults(&mut faults, "", transformed.into_domain(checks))
            },
        };
        faults.into_result(action)
    }
}

fn instead(url: Option<ig_core::integration::TargetUrl>, method: Option<HttpMethod>, whole: Option<&Target>) -> Option<Target> {
    if url.is_none() && method.is_none() {
        return None;
    }
    Some(Target {
        url: url.or_else(|| whole.map(|target| target.url.clone()))?,
        method: method.or_else(|| whole.map(|target| target.method))?,
    })
}

impl From<Action> for ActionDocument {
    fn from(action: Action) -> Self {
        let Action {
            name,
            condition,
            target,
            transformation,
        } = action;
        let (url, method) = target
            .map(|Target { url, method }| (url.to_string(), Method::from(method)))
            .unzip();
        let TransformationFields {
            mode,
            rules,
            statics,
            passthrough,
            script,
        } = transformation.map(TransformationFields::from).unwrap_or_default();
        Self {
            name,
            condition: condition.map(Into::into),
            target_url: url,
            http_method: method,
            transformation_mode: mode,
            field_mappings: rules,
            static_fields: statics,
            passthrough,
            transform_script: script,
        }
    }
}
