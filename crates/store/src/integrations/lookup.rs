//! A lookup rule of an integration as stored.

use ig_core::id::LookupType;
use ig_core::integration::{LookupReturn, LookupRule, LookupSource, Unmapped};
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{json, json_text};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LookupRuleDocument {
    #[serde(rename = "type")]
    lookup_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_template: Option<String>,
    target_field: String,
    return_mode: ReturnMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_value_field: Option<String>,
    unmapped_behavior: UnmappedBehavior,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ReturnMode {
    Value,
    Object,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum UnmappedBehavior {
    Passthrough,
    Fail,
    Default,
}

impl From<&LookupRule> for LookupRuleDocument {
    fn from(rule: &LookupRule) -> Self {
        let LookupRule {
            lookup_type,
            source,
            target_field,
            returns,
            unmapped,
        } = rule;
        let (source_field, source_template) = match source {
            LookupSource::Field(path) => (Some(path.clone()), None),
            LookupSource::Template(text) => (None, Some(text.clone())),
        };
        let (return_mode, target_value_field) = match returns {
            LookupReturn::Value { field } => (ReturnMode::Value, Some(field.clone())),
            LookupReturn::Object => (ReturnMode::Object, None),
        };
        let (unmapped_behavior, default_value) = match unmapped {
            Unmapped::Passthrough => (UnmappedBehavior::Passthrough, None),
            Unmapped::Fail => (UnmappedBehavior::Fail, None),
            Unmapped::Default(value) => (UnmappedBehavior::Default, Some(json_text(value))),
        };
        Self {
            lookup_type: lookup_type.to_string(),
            source_field,
            source_template,
            target_field: target_field.clone(),
            return_mode,
            target_value_field,
            unmapped_behavior,
            default_value,
        }
    }
}

impl LookupRuleDocument {
    pub(super) fn read(self) -> Result<LookupRule, StoreError> {
        let source = match (self.source_field, self.source_template) {
            (Some(path), None) => LookupSource::Field(path),
            (None, Some(text)) => LookupSource::Template(text),
            _ => return Err(unreadable("lookups.sourceField")),
        };
        let field = self.target_value_field;
        Ok(LookupRule {
            lookup_type: LookupType::new(self.lookup_type),
            source,
            target_field: self.target_field,
            returns: match self.return_mode {
                ReturnMode::Object => LookupReturn::Object,
                ReturnMode::Value => LookupReturn::Value {
                    field: field.ok_or_else(|| unreadable("lookups.targetValueField"))?,
                },
            },
            unmapped: match self.unmapped_behavior {
                UnmappedBehavior::Passthrough => Unmapped::Passthrough,
                UnmappedBehavior::Fail => Unmapped::Fail,
                UnmappedBehavior::Default => Unmapped::Default(default(self.default_value)?),
            },
        })
    }
}

fn default(text: Option<String>) -> Result<serde_json::Value, StoreError> {
    let text = text.ok_or_else(|| unreadable("lookups.defaultValue"))?;
    json("lookups.defaultValue", &text)
}
