//! Values encoded as JSON text.

use serde_json::{Map, Value};

use crate::invalid::InvalidMessage;

pub(crate) fn from_wire(text: &str) -> Result<Value, InvalidMessage> {
    ig_core::json::parse(text.as_bytes()).map_err(|error| InvalidMessage::value(format!("must be JSON: {error}")))
}

/// Encodes an object; an empty object becomes an empty text.
pub(crate) fn object_to_wire(object: &Map<String, Value>) -> String {
    if object.is_empty() {
        return String::new();
    }
    Value::from(object.clone()).to_string()
}

pub(crate) fn object_from_wire(text: &str) -> Result<Map<String, Value>, InvalidMessage> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    match from_wire(text)? {
        Value::Object(object) => Ok(object),
        _ => Err(InvalidMessage::value("must be a JSON object")),
    }
}
