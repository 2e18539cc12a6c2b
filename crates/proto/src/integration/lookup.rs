//! Lookup rules of an integration.

use ig_core::id::LookupType;
use ig_core::integration::{LookupReturn, LookupRule, LookupSource, Unmapped};

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;
use crate::v1;
use crate::v1::lookup_rule as wire;

impl From<&LookupRule> for v1::LookupRule {
    fn from(rule: &LookupRule) -> Self {
        let LookupRule {
            lookup_type,
            source,
            target_field,
            returns,
            unmapped,
        } = rule;
        Self {
            lookup_type: lookup_type.to_string(),
            source: Some(match source {
                LookupSource::Field(path) => wire::Source::SourceField(path.clone()),
                LookupSource::Template(text) => wire::Source::SourceTemplate(text.clone()),
            }),
            target_field: target_field.clone(),
            value_field: match returns {
                LookupReturn::Value { field } => Some(field.clone()),
                LookupReturn::Object => None,
            },
            unmapped: Some(match unmapped {
                Unmapped::Passthrough => wire::Unmapped::Passthrough(v1::Empty {}),
                Unmapped::Fail => wire::Unmapped::Fail(v1::Empty {}),
                Unmapped::Default(value) => wire::Unmapped::DefaultJson(value.to_string()),
            }),
        }
    }
}

impl TryFrom<v1::LookupRule> for LookupRule {
    type Error = InvalidMessage;

    fn try_from(message: v1::LookupRule) -> Result<Self, InvalidMessage> {
        let v1::LookupRule {
            lookup_type,
            source,
            target_field,
            value_field,
            unmapped,
        } = message;
        let given = || InvalidMessage::value("must be given");
        Ok(Self {
            lookup_type: LookupType::new(lookup_type),
            source: match source.ok_or_else(given).within("source")? {
                wire::Source::SourceField(path) => LookupSource::Field(path),
                wire::Source::SourceTemplate(text) => LookupSource::Template(text),
            },
            target_field,
            returns: value_field.map_or(LookupReturn::Object, |field| LookupReturn::Value { field }),
            unmapped: match unmapped.ok_or_else(given).within("unmapped")? {
                wire::Unmapped::Passthrough(v1::Empty {}) => Unmapped::Passthrough,
                wire::Unmapped::Fail(v1::Empty {}) => Unmapped::Fail,
                wire::Unmapped::DefaultJson(text) => Unmapped::Default(json::from_wire(&text).within("default_json")?),
            },
        })
    }
}
