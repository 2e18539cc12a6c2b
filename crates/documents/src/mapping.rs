//! Field mappings and static fields, as clients write them.

use ig_core::fault::Faults;
use ig_core::id::LookupType;
use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, StaticField, Transform};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::checks::Checks;

/// One mapping: read the value at one path, transform it, and write it to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingRule {
    /// Dotted path into the payload; numbers index arrays, `[]` means every element.
    pub source_field: String,
    /// Dotted path into the body to send.
    pub target_field: String,
    /// How to transform the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<TransformName>,
    /// The value to write where the source is missing: any JSON, null included.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::json_text::nullable")]
    #[schema(value_type = Option<Value>)]
    pub default_value: Option<Value>,
    /// How to parse and format a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<DateRule>,
    /// The table for `lookup`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup_type: Option<String>,
}

/// How to transform a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransformName {
    /// Trim white space at both ends.
    Trim,
    /// Convert to upper case.
    Upper,
    /// Convert to lower case.
    Lower,
    /// Reformat a date, as `format` says.
    Date,
    /// Use `defaultValue` for null and empty strings as well.
    Default,
    /// The value that the table `lookupType` maps to. Where no row matches, `defaultValue`, or else the value itself.
    Lookup,
}

/// How to parse and format a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DateRule {
    /// Input formats, such as `DD/MM/YYYY || dayFirst`; by default every format that is unambiguous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Output pattern, such as `DD/MM/YYYY` or `%d/%m/%Y`; ISO 8601 in UTC by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The IANA timezone of the output, and of input dates without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// A field with a constant value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaticRule {
    /// Dotted path into the body to send.
    pub key: String,
    /// The value: any JSON.
    #[serde(with = "crate::json_text")]
    pub value: Value,
}

/// The mapping fields of a document.
pub(crate) struct MappingFields {
    pub rules: Option<Vec<MappingRule>>,
    pub statics: Option<Vec<StaticRule>>,
    pub passthrough: Option<bool>,
}

impl MappingFields {
    /// The mapping, compiled once to validate it. Faults carry pointers into the document.
    pub(crate) fn into_domain(self, checks: &dyn Checks) -> Result<SimpleMapping, Faults> {
        let (rules, statics) = (self.rules.unwrap_or_default(), self.statics.unwrap_or_default());
        let nothing_mapped = rules.is_empty() && statics.is_empty();
        let mut faults = Faults::default();
        let mapping = SimpleMapping {
            passthrough: self.passthrough.unwrap_or(nothing_mapped),
            fields: rules
                .into_iter()
                .enumerate()
                .map(|(at, rule)| rule.into_domain(at, &mut faults))
                .collect(),
            statics: statics
                .into_iter()
                .map(|StaticRule { key, value }| StaticField { key, value })
                .collect(),
        };
        if let Err(found) = checks.mapping(&mapping) {
            faults.add_below("", found);
        }
        faults.into_result(mapping)
    }
}

impl MappingRule {
    fn into_domain(self, at: usize, faults: &mut Faults) -> FieldMapping {
        let Self {
            source_field,
            target_field,
            transform,
            default_value,
            format,
            lookup_type,
        } = self;
        if lookup_type.is_some() != (transform == Some(TransformName::Lookup)) {
            faults.add(
                format!("/fieldMappings/{at}/lookupType"),
                "must be given with the transform lookup, and with no other",
            );
        }
        if format.is_some() && transform != Some(TransformName::Date) {
            faults.add(format!("/fieldMappings/{at}/format"), "is for the transform date alone");
        }
        FieldMapping {
            source: source_field,
            target: target_field,
            transform: transform.map(|name| name.with(format, lookup_type)),
            default: default_value,
        }
    }
}

impl TransformName {
    fn with(self, format: Option<DateRule>, lookup_type: Option<String>) -> Transform {
        match self {
            Self::Trim => Transform::Trim,
            Self::Upper => Transform::Upper,
            Self::Lower => Transform::Lower,
            Self::Default => Transform::Default,
            Self::Date => Transform::Date(format.map(DateFormat::from).unwrap_or_default()),
            Self::Lookup => Transform::Lookup(LookupType::new(lookup_type.unwrap_or_default())),
        }
    }
}

impl From<DateRule> for DateFormat {
    fn from(rule: DateRule) -> Self {
        let DateRule { input, output, timezone } = rule;
        Self { input, output, timezone }
    }
}

impl From<SimpleMapping> for MappingFields {
    fn from(mapping: SimpleMapping) -> Self {
        // Absent where it is the default, so that a patch that adds a mapping starts from nothing, as a new document would.
        let is_mapped = !mapping.is_identity();
        let SimpleMapping {
            passthrough,
            fields,
            statics,
        } = mapping;
        Self {
            rules: Some(fields.into_iter().map(MappingRule::from).collect()),
            statics: Some(
                statics
                    .into_iter()
                    .map(|StaticField { key, value }| StaticRule { key, value })
                    .collect(),
            ),
            passthrough: is_mapped.then_some(passthrough),
        }
    }
}

impl From<FieldMapping> for MappingRule {
    fn from(field: FieldMapping) -> Self {
        let FieldMapping {
            source,
            target,
            transform,
            default,
        } = field;
        let (format, lookup_type) = match &transform {
            Some(Transform::Date(format)) => (Some(DateRule::from(format.clone())), None),
            Some(Transform::Lookup(lookup_type)) => (None, Some(lookup_type.to_string())),
            _ => (None, None),
        };
        Self {
            source_field: source,
            target_field: target,
            transform: transform.as_ref().map(TransformName::from),
            default_value: default,
            format,
            lookup_type,
        }
    }
}

impl From<&Transform> for TransformName {
    fn from(transform: &Transform) -> Self {
        match transform {
            Transform::Trim => Self::Trim,
            Transform::Upper => Self::Upper,
            Transform::Lower => Self::Lower,
            Transform::Default => Self::Default,
            Transform::Date(_) => Self::Date,
            Transform::Lookup(_) => Self::Lookup,
        }
    }
}

impl From<DateFormat> for DateRule {
    fn from(format: DateFormat) -> Self {
        let DateFormat { input, output, timezone } = format;
        Self { input, output, timezone }
    }
}
