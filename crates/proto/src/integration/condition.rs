//! Conditions of integrations and actions.

use ig_core::condition::{Condition, Filter};
use ig_core::integration::Script;

use crate::invalid::{InvalidMessage, Within as _};
use crate::json;
use crate::v1;
use crate::v1::condition::Kind;

impl From<&Condition> for v1::Condition {
    fn from(condition: &Condition) -> Self {
        let kind = match condition {
            Condition::Script(script) => Kind::Script(script.source().to_string()),
            Condition::Filter(filter) => Kind::FilterJson(filter.to_json().to_string()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Condition> for Condition {
    type Error = InvalidMessage;

    fn try_from(message: v1::Condition) -> Result<Self, InvalidMessage> {
        let v1::Condition { kind } = message;
        // An unknown kind of condition must not turn into "always".
        let kind = kind.ok_or_else(|| InvalidMessage::value("must be given")).within("kind")?;
        match kind {
            Kind::Script(source) => Ok(Self::Script(Script::new(&source).within("script")?)),
            Kind::FilterJson(text) => {
                let value = json::from_wire(&text).within("filter_json")?;
                Ok(Self::Filter(Filter::from_json(&value).within("filter_json")?))
            }
        }
    }
}
