//! The transforms of single values.

use ig_core::fault::Faults;
use ig_core::id::LookupType;
use ig_core::integration::Transform;
use ig_core::lookup::{LookupKey, ResolvedLookups};
use serde_json::Value;

use super::field_copy::Transformed;
use crate::date::DateRule;

/// A compiled transform.
#[derive(Debug, Clone)]
pub(super) enum ValueTransform {
    Copy,
    Trim,
    Upper,
    Lower,
    Date(Box<DateRule>),
    Default,
    Lookup(LookupType),
}

impl ValueTransform {
    pub(super) fn compile(transform: Option<&Transform>) -> Result<Self, Faults> {
        Ok(match transform {
            None => Self::Copy,
            Some(Transform::Trim) => Self::Trim,
            Some(Transform::Upper) => Self::Upper,
            Some(Transform::Lower) => Self::Lower,
            Some(Transform::Default) => Self::Default,
            Some(Transform::Lookup(lookup_type)) => Self::Lookup(lookup_type.clone()),
            Some(Transform::Date(format)) => Self::Date(Box::new(DateRule::compile(format)?)),
        })
    }

    /// The value to write for a source value; the default, if any, for a missing one.
    pub(super) fn apply(&self, source: Option<&Value>, default: Option<&Value>, resolved: &ResolvedLookups) -> Transformed {
        let Some(value) = source else {
            return Ok(default.cloned());
        };
        match self {
            Self::Trim => Ok(Some(on_text(value, |text| text.trim().to_owned()))),
            Self::Upper => Ok(Some(on_text(value, str::to_uppercase))),
            Self::Lower => Ok(Some(on_text(value, str::to_lowercase))),
            Self::Date(_) | Self::Default if is_blank(value) => Ok(Some(default.unwrap_or(value).clone())),
            Self::Date(rule) => rule.rewrite(value).map(Some),
            Self::Lookup(lookup_type) => {
                let row = LookupKey::of(lookup_type, value).and_then(|key| resolved.get(&key));
                let mapped = row.map(|target| Value::String(target.id.clone()));
                Ok(Some(mapped.unwrap_or_else(|| default.unwrap_or(value).clone())))
            }
            Self::Copy | Self::Default => Ok(Some(value.clone())),
        }
    }
}

/// Changes a text, and leaves other values as they are.
fn on_text(value: &Value, change: impl Fn(&str) -> String) -> Value {
    value
        .as_str()
        .map_or_else(|| value.clone(), |text| Value::String(change(text)))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}
