//! Dotted paths into a payload, and texts with such paths in double braces.

use std::str::FromStr;

use serde_json::Value;

use crate::fault::Faults;

const MAX_LENGTH: usize = 1000;

/// The value at a dotted path; a numeric segment indexes an array.
pub(super) fn value_at<'a>(payload: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(payload, |value, segment| match value {
        Value::Object(fields) => fields.get(segment),
        Value::Array(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Whether every segment of a dotted path is non-empty.
pub(super) fn is_path(text: &str) -> bool {
    text.len() <= MAX_LENGTH && text.split('.').all(|segment| !segment.trim().is_empty())
}

/// A path, or a text with paths in double braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Template {
    /// The value at the path, unchanged.
    Path(String),
    /// Alternating texts and paths.
    Text(Vec<TemplatePart>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplatePart {
    /// Literal text.
    Literal(String),
    /// The value at this path.
    Path(String),
}

impl Template {
    /// The value, or the path at which there is no value.
    pub(super) fn filled(&self, payload: &Value) -> Result<Value, String> {
        let found = |path: &String| {
            value_at(payload, path)
                .filter(|value| !value.is_null())
                .ok_or_else(|| path.clone())
        };
        match self {
            Self::Path(path) => found(path).cloned(),
            Self::Text(pieces) => {
                let texts = pieces.iter().map(|piece| match piece {
                    TemplatePart::Literal(text) => Ok(text.clone()),
                    TemplatePart::Path(path) => found(path).map(as_text),
                });
                texts.collect::<Result<String, _>>().map(Value::String)
            }
        }
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl FromStr for Template {
    type Err = Faults;

    fn from_str(text: &str) -> Result<Self, Faults> {
        let fault = || Faults::single("", "must be a dotted path into the payload, or a text with {{paths}} in it");
        if !text.contains("{{") {
            let path = text.trim();
            return if is_path(path) {
                Ok(Self::Path(path.to_owned()))
            } else {
                Err(fault())
            };
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (path, after) = after.split_once("}}").ok_or_else(fault)?;
            if !is_path(path.trim()) {
                return Err(fault());
            }
            pieces.extend([
                TemplatePart::Literal(before.to_owned()),
                TemplatePart::Path(path.trim().to_owned()),
            ]);
            rest = after;
        }
        pieces.push(TemplatePart::Literal(rest.to_owned()));
        Ok(Self::Text(pieces))
    }
}
