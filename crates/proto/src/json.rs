//! Values that travel as JSON text.

use serde_json::Value;

use crate::invalid::InvalidMessage;

pub(crate) fn from_wire(text: &str) -> Result<Value, InvalidMessage> {
    serde_json::from_str(text).map_err(|error| InvalidMessage::value(format!("must be JSON: {error}")))
}
