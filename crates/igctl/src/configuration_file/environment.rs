//! Substitutes `${env:NAME}` in a document, so that secrets come from the environment.

use anyhow::bail;
use serde_json::Value;

const OPEN: &str = "${env:";

/// Substitutes every `${env:NAME}`; the error names all missing variables at once.
pub(super) fn substitute(document: Value, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Value> {
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
        Value::String(text) => Value::String(substitute_text(&text, variable, missing)),
        Value::Array(items) => items.into_iter().map(|item| walk(item, variable, missing)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, walk(value, variable, missing)))
            .collect(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_)) => value,
    }
}

/// Substitutes in one text. Substituted values are not expanded again.
fn substitute_text(text: &str, variable: &impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
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
    fn environment_is_substituted_once_and_scripts_are_untouched() {
        let document = json!({"a": ["Bearer ${env:TOKEN}", 1, null], "b": "return `${payload.id} ${env:ODD}`;", "c": "${env:"});
        let filled = substitute(document, environment).unwrap();
        let expected = json!({"a": ["Bearer t0ken", 1, null], "b": "return `${payload.id} ${env:TOKEN}`;", "c": "${env:"});
        assert_eq!(filled, expected);
    }

    #[test]
    fn environment_error_names_all_missing_variables() {
        let document = json!({"a": "${env:B} ${env:A}", "c": ["${env:B}"]});
        let error = substitute(document, environment).unwrap_err().to_string();
        assert_eq!(error, "the environment does not have A, B");
    }
}
