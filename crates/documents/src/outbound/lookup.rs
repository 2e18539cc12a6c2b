//! The lookups of an integration, as clients write them.

use ig_core::fault::Faults;
use ig_core::id::LookupType;
use ig_core::integration::{LookupReturn, LookupRule, LookupSource, Unmapped};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::text::{collect_faults, name};

const MOST: usize = 100;
const IDENTIFIER: &str = "id";

/// Looks up a value of the payload and writes its counterpart in the target system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = LookupRule)]
pub struct LookupRuleDocument {
    /// The lookup table, such as `DEPARTMENT`.
    #[serde(rename = "type")]
    pub lookup_type: String,
    /// Dotted path into the payload; `[]` means every element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_field: Option<String>,
    /// A text with `{{path}}` placeholders, instead of a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_template: Option<String>,
    /// Dotted path into the body to send.
    pub target_field: String,
    /// The field of the row's target to write; `id` by default. For VALUE only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_value_field: Option<String>,
    /// What to write of a row; VALUE by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_mode: Option<ReturnMode>,
    /// What to do with a value that no row maps; PASSTHROUGH by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmapped_behavior: Option<UnmappedBehavior>,
    /// The value to write instead: any JSON, for DEFAULT only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text::nullable")]
    #[schema(value_type = Option<Value>)]
    pub default_value: Option<Value>,
}

/// What to write of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnMode {
    /// One field of the row's target.
    Value,
    /// The whole target, as an object.
    Object,
}

/// What to do with a value that no row maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnmappedBehavior {
    /// Write the value unchanged.
    Passthrough,
    /// Fail the delivery; nothing is sent.
    Fail,
    /// Write `defaultValue`.
    Default,
}

/// The lookups; faults carry pointers below `/lookups`.
pub(crate) fn into_domain(documents: Vec<LookupRuleDocument>) -> Result<Vec<LookupRule>, Faults> {
    let mut faults = Faults::default();
    if documents.len() > MOST {
        faults.add("", format!("must be at most {MOST}"));
    }
    let numbered = documents.into_iter().enumerate();
    let rules: Vec<_> = numbered
        .filter_map(|(at, document)| collect_faults(&mut faults, &format!("/{at}"), document.checked()))
        .collect();
    faults.into_result(rules)
}

impl LookupRuleDocument {
    fn checked(self) -> Result<LookupRule, Faults> {
        let Self {
            lookup_type,
            source_field,
            source_template,
            target_field,
            target_value_field,
            return_mode,
            unmapped_behavior,
            default_value,
        } = self;
        let mut faults = Faults::default();
        let rule = LookupRule {
            lookup_type: LookupType::new(collect_faults(&mut faults, "/type", name(&lookup_type, 100)).unwrap_or_default()),
            source: source(source_field, source_template, &mut faults),
            target_field,
            returns: returns(return_mode, target_value_field, &mut faults),
            unmapped: unmapped(unmapped_behavior, default_value, &mut faults),
        };
        faults.into_result(rule)
    }
}

fn source(field: Option<String>, template: Option<String>, faults: &mut Faults) -> LookupSource {
    match (field, template) {
        (Some(path), None) => LookupSource::Field(path),
        (None, Some(text)) => LookupSource::Template(text),
        (Some(path), Some(_)) => {
            faults.add("/sourceTemplate", "must not be given beside sourceField");
            LookupSource::Field(path)
        }
        (None, None) => {
            faults.add("/sourceField", "is required, unless sourceTemplate is given");
            LookupSource::Field(String::new())
        }
    }
}

fn returns(mode: Option<ReturnMode>, field: Option<String>, faults: &mut Faults) -> LookupReturn {
    match (mode.unwrap_or(ReturnMode::Value), field) {
        (ReturnMode::Value, field) => LookupReturn::Value {
            field: field.unwrap_or_else(|| IDENTIFIER.to_owned()),
        },
        (ReturnMode::Object, None) => LookupReturn::Object,
        (ReturnMode::Object, Some(_)) => {
            faults.add("/targetValueField", "is for the returnMode VALUE alone");
            LookupReturn::Object
        }
    }
}

fn unmapped(behavior: Option<UnmappedBehavior>, default: Option<Value>, faults: &mut Faults) -> Unmapped {
    match (behavior, default) {
        (Some(UnmappedBehavior::Default), Some(value)) => return Unmapped::Default(value),
        (Some(UnmappedBehavior::Default), None) => faults.add("/defaultValue", "is required with the unmappedBehavior DEFAULT"),
        (_, Some(_)) => faults.add("/defaultValue", "is for the unmappedBehavior DEFAULT alone"),
        (Some(UnmappedBehavior::Fail), None) => return Unmapped::Fail,
        (None | Some(UnmappedBehavior::Passthrough), None) => {}
    }
    Unmapped::Passthrough
}

impl From<LookupRule> for LookupRuleDocument {
    fn from(rule: LookupRule) -> Self {
        let LookupRule {
            lookup_type,
            source,
            target_field,
            returns,
            unmapped,
        } = rule;
        let (source_field, source_template) = match source {
            LookupSource::Field(path) => (Some(path), None),
            LookupSource::Template(text) => (None, Some(text)),
        };
        let (return_mode, target_value_field) = match returns {
            LookupReturn::Value { field } => (ReturnMode::Value, Some(field)),
            LookupReturn::Object => (ReturnMode::Object, None),
        };
        let (behavior, default_value) = match unmapped {
            Unmapped::Passthrough => (UnmappedBehavior::Passthrough, None),
            Unmapped::Fail => (UnmappedBehavior::Fail, None),
            Unmapped::Default(value) => (UnmappedBehavior::Default, Some(value)),
        };
        Self {
            lookup_type: lookup_type.to_string(),
            source_field,
            source_template,
            target_field,
            target_value_field,
            return_mode: Some(return_mode),
            unmapped_behavior: Some(behavior),
            default_value,
        }
    }
}
