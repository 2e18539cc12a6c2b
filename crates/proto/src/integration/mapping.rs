//! Transformations of payloads.

use ig_core::id::LookupType;
use ig_core::integration::{DateFormat, FieldMapping, Script, SimpleMapping, StaticField, Transform, Transformation};
use serde_json::Value;

use crate::invalid::{InvalidMessage, Within as _, all, optional};
use crate::json;
use crate::v1;
use crate::v1::transform::Kind;
use crate::v1::transformation::Mode;

impl From<&Transformation> for v1::Transformation {
    fn from(transformation: &Transformation) -> Self {
        let mode = match transformation {
            Transformation::Simple(mapping) => Mode::Simple(mapping.into()),
            Transformation::Script(script) => Mode::Script(script.source().to_string()),
        };
        Self { mode: Some(mode) }
    }
}

impl TryFrom<v1::Transformation> for Transformation {
    type Error = InvalidMessage;

    fn try_from(message: v1::Transformation) -> Result<Self, InvalidMessage> {
        let v1::Transformation { mode } = message;
        match mode {
            Some(Mode::Simple(mapping)) => mapping.try_into().within("simple").map(Self::Simple),
            Some(Mode::Script(source)) => Script::new(&source).within("script").map(Self::Script),
            None => Err(InvalidMessage::value("must be given")).within("mode"),
        }
    }
}

impl From<&SimpleMapping> for v1::SimpleMapping {
    fn from(mapping: &SimpleMapping) -> Self {
        let SimpleMapping {
            passthrough,
            fields,
            statics,
        } = mapping;
        Self {
            passthrough: *passthrough,
            fields: fields.iter().map(Into::into).collect(),
            statics: statics.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::SimpleMapping> for SimpleMapping {
    type Error = InvalidMessage;

    fn try_from(message: v1::SimpleMapping) -> Result<Self, InvalidMessage> {
        let v1::SimpleMapping {
            passthrough,
            fields,
            statics,
        } = message;
        Ok(Self {
            passthrough,
            fields: all(fields, "fields")?,
            statics: all(statics, "statics")?,
        })
    }
}

impl From<&FieldMapping> for v1::FieldMapping {
    fn from(mapping: &FieldMapping) -> Self {
        let FieldMapping {
            source,
            target,
            transform,
            default,
        } = mapping;
        Self {
            source: source.clone(),
            target: target.clone(),
            transform: transform.as_ref().map(Into::into),
            default_json: default.as_ref().map(Value::to_string),
        }
    }
}

impl TryFrom<v1::FieldMapping> for FieldMapping {
    type Error = InvalidMessage;

    fn try_from(message: v1::FieldMapping) -> Result<Self, InvalidMessage> {
        let v1::FieldMapping {
            source,
            target,
            transform,
            default_json,
        } = message;
        Ok(Self {
            source,
            target,
            transform: optional(transform, "transform")?,
            default: default_json
                .as_deref()
                .map(json::from_wire)
                .transpose()
                .within("default_json")?,
        })
    }
}

impl From<&StaticField> for v1::StaticField {
    fn from(field: &StaticField) -> Self {
        let StaticField { key, value } = field;
        Self {
            key: key.clone(),
            value_json: value.to_string(),
        }
    }
}

impl TryFrom<v1::StaticField> for StaticField {
    type Error = InvalidMessage;

    fn try_from(message: v1::StaticField) -> Result<Self, InvalidMessage> {
        let v1::StaticField { key, value_json } = message;
        Ok(Self {
            key,
            value: json::from_wire(&value_json).within("value_json")?,
        })
    }
}

impl From<&Transform> for v1::Transform {
    fn from(transform: &Transform) -> Self {
        let kind = match transform {
            Transform::Trim => Kind::Trim(v1::Empty {}),
            Transform::Upper => Kind::Upper(v1::Empty {}),
            Transform::Lower => Kind::Lower(v1::Empty {}),
            Transform::Date(format) => Kind::Date(date_to_wire(format)),
            Transform::Default => Kind::Default(v1::Empty {}),
            Transform::Lookup(lookup_type) => Kind::Lookup(lookup_type.to_string()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Transform> for Transform {
    type Error = InvalidMessage;

    fn try_from(message: v1::Transform) -> Result<Self, InvalidMessage> {
        let v1::Transform { kind } = message;
        let kind = kind.ok_or_else(|| InvalidMessage::value("must be given")).within("kind")?;
        Ok(match kind {
            Kind::Trim(v1::Empty {}) => Self::Trim,
            Kind::Upper(v1::Empty {}) => Self::Upper,
            Kind::Lower(v1::Empty {}) => Self::Lower,
            Kind::Date(format) => Self::Date(date_from_wire(format)),
            Kind::Default(v1::Empty {}) => Self::Default,
            Kind::Lookup(lookup_type) => Self::Lookup(LookupType::new(lookup_type)),
        })
    }
}

fn date_to_wire(format: &DateFormat) -> v1::DateFormat {
    let DateFormat { input, output, timezone } = format.clone();
    v1::DateFormat { input, output, timezone }
}

fn date_from_wire(message: v1::DateFormat) -> DateFormat {
    let v1::DateFormat { input, output, timezone } = message;
    DateFormat { input, output, timezone }
}
