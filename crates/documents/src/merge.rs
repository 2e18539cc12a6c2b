//! Merging a partial document into a stored one, and restoring masked secrets.

use ig_core::secret::MASK;
use serde_json::{Map, Value};

/// Applies a merge patch (RFC 7396): an absent field stays, null removes it, anything else replaces it.
pub fn merged(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut object = match target {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    for (key, change) in patch {
        if change.is_null() {
            object.shift_remove(&key);
        } else {
            let slot = object.entry(key).or_insert(Value::Null);
            *slot = merged(slot.take(), change);
        }
    }
    Value::Object(object)
}

/// Restores stored secrets where the body repeats the mask at the same place; other masks stay.
pub fn restore_masks(value: Value, stored: Option<&Value>) -> Value {
    match (value, stored) {
        (Value::String(text), Some(Value::String(secret))) if text == MASK => Value::String(secret.clone()),
        (Value::Object(object), stored) => object
            .into_iter()
            .map(|(key, value)| {
                let old = stored.and_then(|old| old.get(&key));
                (key, restore_masks(value, old))
            })
            .collect(),
        (Value::Array(list), stored) => {
            let numbered = list.into_iter().enumerate();
            numbered
                .map(|(at, value)| restore_masks(value, stored.and_then(|old| old.get(at))))
                .collect()
        }
        (value, _) => value,
    }
}

/// Removes the stored fields that depend on a choice which the patch changes.
pub(crate) fn drop_dependents(stored: &mut Value, patch: &Value, dependents: &[(&str, &str)]) {
    let changed = |choice: &str| patch.get(choice).is_some_and(|chosen| stored.get(choice) != Some(chosen));
    let gone: Vec<_> = dependents.iter().filter(|(choice, _)| changed(choice)).collect();
    for (_, dependent) in gone {
        remove_field(stored, dependent);
    }
}

/// Removes a field from an object. The revision in a PATCH, for example, is the client's guard and never the stored revision.
pub fn remove_field(object: &mut Value, key: &str) {
    if let Some(object) = object.as_object_mut() {
        object.shift_remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_patch_keeps_removes_and_replaces() {
        let stored = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]});
        let patch = json!({"a": null, "b": {"c": 9}, "e": [7]});
        assert_eq!(merged(stored, patch), json!({"b": {"c": 9, "d": 3}, "e": [7]}));
    }

    #[test]
    fn mask_restores_only_the_stored_secret_at_its_own_place() {
        let stored = json!({"auth": {"token": "s3cret"}, "list": ["one"]});
        let body = json!({"auth": {"token": MASK}, "list": [MASK, MASK], "name": MASK});
        assert_eq!(
            restore_masks(body, Some(&stored)),
            json!({"auth": {"token": "s3cret"}, "list": ["one", MASK], "name": MASK})
        );
    }
}
