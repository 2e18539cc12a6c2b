//! Errors for configuration that is too large, which point to its largest part.

use ig_core::configuration::{Change, MAX_ITEM_BYTES, MAX_ORGANIZATION_BYTES};
use serde_json::Value;

use super::history;
use crate::error::ApiError;

/// The error for an item with too many bytes.
pub(crate) fn too_large(item: Change, bytes: usize) -> ApiError {
    fault_at_largest_part(
        item,
        &format!(
            "makes the item {bytes} bytes large, and an item may have {MAX_ITEM_BYTES}: shorten it, or leave parts of it out"
        ),
    )
}

/// The error for an item that exceeds its organisation's quota.
pub(crate) fn quota_exceeded(item: Change) -> ApiError {
    let message = format!(
        "all that the organisation has configured may have {MAX_ORGANIZATION_BYTES} bytes together, and has more with this: shorten it, or \
         delete what is not used any more"
    );
    fault_at_largest_part(item, &message)
}

fn fault_at_largest_part(item: Change, message: &str) -> ApiError {
    match history::masked(item) {
        Ok(document) => ApiError::fault(&largest_part(&document), message),
        Err(error) => error,
    }
}

/// The JSON pointer of the largest part: it descends as long as one child makes up more than half of its parent.
fn largest_part(document: &Value) -> String {
    let (mut pointer, mut at) = (String::new(), document);
    loop {
        let parts: Vec<(String, &Value)> = match at {
            Value::Object(fields) => fields.iter().map(|(name, part)| (escape_token(name), part)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return pointer,
        };
        let sized = parts.into_iter().map(|(name, part)| (approximate_bytes(part), name, part));
        match sized.max_by_key(|(bytes, ..)| *bytes) {
            Some((largest, name, part)) if largest > approximate_bytes(at) / 2 => {
                pointer.push('/');
                pointer.push_str(&name);
                at = part;
            }
            _ => return pointer,
        }
    }
}

/// A value's approximate size in bytes.
fn approximate_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(approximate_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(name, part)| name.len() + approximate_bytes(part)).sum(),
    }
}

/// A name escaped for a JSON pointer, cut to a readable length.
fn escape_token(name: &str) -> String {
    const MAX_NAME_CHARS: usize = 100;
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn oversize_error_points_to_the_deepest_dominant_part() {
        let long = "x".repeat(100);
        for (document, expected) in [
            (json!({"name": "n", "a/b": {"c": [1, &long]}}), "/a~1b/c/1"),
            (json!({"name": "n", "list": [&long, &long, &long]}), "/list"),
            (json!({"one": &long, "two": &long, "three": &long}), ""),
            (json!("text"), ""),
        ] {
            assert_eq!(largest_part(&document), expected, "{document}");
        }
    }
}
