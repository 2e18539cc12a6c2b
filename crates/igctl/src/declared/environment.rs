//! Secrets come from the environment: `${env:NAME}` in a document's texts.

use anyhow::bail;
use serde_json::Value;

const OPEN: &str = "${env:";

/// The document with every `${env:NAME}` filled in; all names that are missing are told at once.
pub(super) fn filled(document: Value, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Value> {
    let mut missing = Vec::new();
    let filled = walk(document, &variable, &mut missing);
    if missing.is_empty() {
        return Ok(filled);
    }
    missing.sort_unstable();
    missing.dedup();
    bail!("the environment does not have {}", missing.join(", "))
}

fn walk(value: Value, variable: &impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => Value::String(text_of(&text, variable, missing)),
        Value::Array(items) => items.into_iter().map(|item| walk(item, variable, missing)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, walk(value, variable, missing)))
            .collect(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_)) => value,
    }
}

/// What is filled in is not looked at again.
fn text_of(text: &str, variable: &impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            filled.push_str(OPEN);
            rest = after;
            continue;
        };
        match variable(name) {
            Some(value) => filled.push_str(&value),
            None => missing.push(name.to_owned()),
        }
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "TOKEN" => Some("t0ken".to_owned()),
            "ODD" => Some("${env:TOKEN}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn names_are_filled_in_once_and_scripts_are_left_alone() {
        let document = json!({"a": ["Bearer ${env:TOKEN}", 1, null], "b": "return `${payload.id} ${env:ODD}`;", "c": "${env:"});
        let filled = filled(document, environment).unwrap();
        let expected = json!({"a": ["Bearer t0ken", 1, null], "b": "return `${payload.id} ${env:TOKEN}`;", "c": "${env:"});
        assert_eq!(filled, expected);
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let document = json!({"a": "${env:B} ${env:A}", "c": ["${env:B}"]});
        let error = filled(document, environment).unwrap_err().to_string();
        assert_eq!(error, "the environment does not have A, B");
    }
}
