//! A transformation as stored.

use ig_core::id::LookupType;
use ig_core::integration::{DateFormat, FieldMapping, Script, SimpleMapping, StaticField, Transform, Transformation};
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{json, json_text};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "transformationMode")]
pub(crate) enum TransformationDocument {
    #[serde(rename = "SIMPLE", rename_all = "camelCase")]
    Simple {
        passthrough: bool,
        field_mappings: Vec<FieldDocument>,
        static_fields: Vec<StaticDocument>,
    },
    #[serde(rename = "SCRIPT", rename_all = "camelCase")]
    Script { transform_script: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldDocument {
    source_field: String,
    target_field: String,
    transform: Option<TransformName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatDocument>,
    default_value: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TransformName {
    Trim,
    Upper,
    Lower,
    Date,
    Default,
    Lookup,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatDocument {
    input: Option<String>,
    output: Option<String>,
    timezone: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StaticDocument {
    key: String,
    value: String,
}

impl TransformationDocument {
    /// A transformation that maps nothing.
    pub(crate) fn nothing() -> Self {
        Self::Simple {
            passthrough: false,
            field_mappings: Vec::new(),
            static_fields: Vec::new(),
        }
    }
}

impl From<&Transformation> for TransformationDocument {
    fn from(transformation: &Transformation) -> Self {
        match transformation {
            Transformation::Simple(SimpleMapping {
                passthrough,
                fields,
                statics,
            }) => Self::Simple {
                passthrough: *passthrough,
                field_mappings: fields.iter().map(FieldDocument::from).collect(),
                static_fields: statics.iter().map(StaticDocument::from).collect(),
            },
            Transformation::Script(script) => Self::Script {
                transform_script: script.source().to_string(),
            },
        }
    }
}

impl TransformationDocument {
    pub(crate) fn read(self) -> Result<Transformation, StoreError> {
        match self {
            Self::Simple {
                passthrough,
                field_mappings,
                static_fields,
            } => Ok(Transformation::Simple(SimpleMapping {
                passthrough,
                fields: field_mappings
                    .into_iter()
                    .map(FieldDocument::read)
                    .collect::<Result<_, _>>()?,
                statics: static_fields
                    .into_iter()
                    .map(StaticDocument::read)
                    .collect::<Result<_, _>>()?,
            })),
            Self::Script { transform_script } => {
                let script = Script::new(&transform_script).map_err(|_| unreadable("transformScript"))?;
                Ok(Transformation::Script(script))
            }
        }
    }
}

impl From<&FieldMapping> for FieldDocument {
    fn from(mapping: &FieldMapping) -> Self {
        let FieldMapping {
            source,
            target,
            transform,
            default,
        } = mapping;
        Self {
            source_field: source.clone(),
            target_field: target.clone(),
            transform: transform.as_ref().map(TransformName::from),
            lookup_type: transform.as_ref().and_then(lookup_type),
            format: transform.as_ref().and_then(date_format),
            default_value: default.as_ref().map(json_text),
        }
    }
}

impl FieldDocument {
    fn read(self) -> Result<FieldMapping, StoreError> {
        let (format, lookup_type) = (self.format.unwrap_or_default(), self.lookup_type);
        let default = self.default_value.map(|text| json("fieldMappings.defaultValue", &text));
        Ok(FieldMapping {
            source: self.source_field,
            target: self.target_field,
            transform: self.transform.map(|name| transform(&name, format, lookup_type)).transpose()?,
            default: default.transpose()?,
        })
    }
}

impl From<&Transform> for TransformName {
    fn from(transform: &Transform) -> Self {
        match transform {
            Transform::Trim => Self::Trim,
            Transform::Upper => Self::Upper,
            Transform::Lower => Self::Lower,
            Transform::Date(_) => Self::Date,
            Transform::Default => Self::Default,
            Transform::Lookup(_) => Self::Lookup,
        }
    }
}

fn date_format(transform: &Transform) -> Option<FormatDocument> {
    let Transform::Date(DateFormat { input, output, timezone }) = transform else {
        return None;
    };
    let (input, output, timezone) = (input.clone(), output.clone(), timezone.clone());
    Some(FormatDocument { input, output, timezone })
}

fn lookup_type(transform: &Transform) -> Option<String> {
    match transform {
        Transform::Lookup(lookup_type) => Some(lookup_type.to_string()),
        _ => None,
    }
}

fn transform(name: &TransformName, format: FormatDocument, lookup_type: Option<String>) -> Result<Transform, StoreError> {
    Ok(match name {
        TransformName::Trim => Transform::Trim,
        TransformName::Upper => Transform::Upper,
        TransformName::Lower => Transform::Lower,
        TransformName::Default => Transform::Default,
        TransformName::Date => {
            let FormatDocument { input, output, timezone } = format;
            Transform::Date(DateFormat { input, output, timezone })
        }
        TransformName::Lookup => {
            let named = lookup_type.ok_or_else(|| unreadable("fieldMappings.lookupType"))?;
            Transform::Lookup(LookupType::new(named))
        }
    })
}

impl From<&StaticField> for StaticDocument {
    fn from(field: &StaticField) -> Self {
        Self {
            key: field.key.clone(),
            value: json_text(&field.value),
        }
    }
}

impl StaticDocument {
    fn read(self) -> Result<StaticField, StoreError> {
        let value = json("staticFields.value", &self.value)?;
        Ok(StaticField { key: self.key, value })
    }
}
