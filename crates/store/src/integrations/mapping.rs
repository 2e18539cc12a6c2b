//! A transformation as stored.

use ig_core::integration::{DateFormat, FieldMapping, SimpleMapping, StaticField, Transform, Transformation};
use ig_core::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::field::{json, json_text};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "transformationMode")]
pub(super) enum TransformationDocument {
    #[serde(rename = "SIMPLE", rename_all = "camelCase")]
    Simple {
        passthrough: bool,
        field_mappings: Vec<FieldDocument>,
        static_fields: Vec<StaticDocument>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldDocument {
    source_field: String,
    target_field: String,
    transform: Option<TransformName>,
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
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatDocument {
    input: Option<String>,
    output: Option<String>,
    timezone: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StaticDocument {
    key: String,
    value: String,
}

impl From<&Transformation> for TransformationDocument {
    fn from(transformation: &Transformation) -> Self {
        let Transformation::Simple(SimpleMapping {
            passthrough,
            fields,
            statics,
        }) = transformation;
        Self::Simple {
            passthrough: *passthrough,
            field_mappings: fields.iter().map(FieldDocument::from).collect(),
            static_fields: statics.iter().map(StaticDocument::from).collect(),
        }
    }
}

impl TransformationDocument {
    pub(super) fn read(self) -> Result<Transformation, StoreError> {
        let Self::Simple {
            passthrough,
            field_mappings,
            static_fields,
        } = self;
        Ok(Transformation::Simple(SimpleMapping {
            passthrough,
            fields: field_mappings
                .into_iter()
                .map(FieldDocument::read)
                .collect::<Result<_, _>>()?,
            statics: static_fields
                .into_iter()
                .map(StaticDocument::read)
                .collect::<Result<_, _>>()?,
        }))
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
        let (transform, format) = transform.as_ref().map(named).unzip();
        Self {
            source_field: source.clone(),
            target_field: target.clone(),
            transform,
            format: format.flatten(),
            default_value: default.as_ref().map(json_text),
        }
    }
}

impl FieldDocument {
    fn read(self) -> Result<FieldMapping, StoreError> {
        let format = self.format.unwrap_or_default();
        let default = self.default_value.map(|text| json("fieldMappings.defaultValue", &text));
        Ok(FieldMapping {
            source: self.source_field,
            target: self.target_field,
            transform: self.transform.map(|name| transform(&name, format)),
            default: default.transpose()?,
        })
    }
}

fn named(transform: &Transform) -> (TransformName, Option<FormatDocument>) {
    match transform {
        Transform::Trim => (TransformName::Trim, None),
        Transform::Upper => (TransformName::Upper, None),
        Transform::Lower => (TransformName::Lower, None),
        Transform::Default => (TransformName::Default, None),
        Transform::Date(DateFormat { input, output, timezone }) => {
            let (input, output, timezone) = (input.clone(), output.clone(), timezone.clone());
            (TransformName::Date, Some(FormatDocument { input, output, timezone }))
        }
    }
}

fn transform(name: &TransformName, format: FormatDocument) -> Transform {
    match name {
        TransformName::Trim => Transform::Trim,
        TransformName::Upper => Transform::Upper,
        TransformName::Lower => Transform::Lower,
        TransformName::Default => Transform::Default,
        TransformName::Date => {
            let FormatDocument { input, output, timezone } = format;
            Transform::Date(DateFormat { input, output, timezone })
        }
    }
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
