//! How deep a value nests.

use serde_json::Value;

/// Whether there are more than `levels` arrays and objects inside each other; looks no deeper than that.
pub(crate) fn nests_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| nests_deeper_than(item, levels - 1)),
        Value::Object(fields) => levels == 0 || fields.values().any(|item| nests_deeper_than(item, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
