//! The text format of cells.
//!
//! A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula. The export puts an
//! apostrophe in front of such text, and of text that begins like the JSON below; the import removes exactly that apostrophe.
//! Numbers and booleans are written as `json:` and their JSON, so that they keep their type.

use std::borrow::Cow;

use serde_json::Value;

const JSON_PREFIX: &str = "json:";

/// A value as the text of a cell.
pub(super) fn encode(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => encode_text(text),
        value => Cow::Owned(format!("{JSON_PREFIX}{value}")),
    }
}

/// A string as the text of a cell.
pub(crate) fn encode_text(text: &str) -> Cow<'_, str> {
    if needs_escape(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The value of a cell, or an error for text with the prefix of JSON that does not parse.
pub(super) fn decode(cell: &str) -> Result<Value, &'static str> {
    if let Some(json) = cell.strip_prefix(JSON_PREFIX) {
        return match ig_core::json::parse(json.as_bytes()) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value),
            _ => Err("begins with json: but no number, true or false follows; put an apostrophe in front if it is text"),
        };
    }
    Ok(Value::String(decode_text(cell).to_owned()))
}

/// The string in a cell.
pub(super) fn decode_text(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if needs_escape(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn needs_escape(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) || text.starts_with(JSON_PREFIX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_never_formulas_and_survive_a_round_trip() {
        let texts = [
            "",
            "a",
            "=1+1",
            "+4",
            "-4",
            "@SUM(A1)",
            "\tx",
            "'",
            "''",
            "'s Gravenhage",
            "'=1",
            "''=1",
            "json:1",
            "'json:",
            "é=",
        ];
        for text in texts {
            let value = json!(text);
            let cell = encode(&value).into_owned();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell}");
            assert_eq!(decode(&cell).unwrap(), value, "{cell}");
            assert_eq!(decode_text(&encode_text(text)), text);
        }
        for value in [json!(1), json!(-2.5), json!(true), json!(12_345_678_901_234_567_i64)] {
            assert_eq!(decode(&encode(&value)).unwrap(), value);
        }
    }

    #[test]
    fn cells_typed_by_people_are_read_literally() {
        assert_eq!(decode("O'Brien").unwrap(), json!("O'Brien"));
        assert_eq!(decode("=1").unwrap(), json!("=1"));
        assert!(decode("json:[1]").is_err());
        assert!(decode("json:").is_err());
    }
}
