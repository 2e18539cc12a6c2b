//! How values stand in cells.
//!
//! A cell is text. A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, so such
//! text is written with an apostrophe in front, as is text that begins like the JSON below; reading takes exactly that
//! apostrophe off again. A number, true or false is written as `json:` and its JSON, so that it comes back as what it was.

use std::borrow::Cow;

use serde_json::Value;

const JSON: &str = "json:";

/// A value as a cell.
pub(super) fn written(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text_written(text),
        value => Cow::Owned(format!("{JSON}{value}")),
    }
}

/// Text as a cell.
pub(crate) fn text_written(text: &str) -> Cow<'_, str> {
    if means_something(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What a cell says; text that begins as JSON and is none is told.
pub(super) fn read(cell: &str) -> Result<Value, &'static str> {
    if let Some(json) = cell.strip_prefix(JSON) {
        return match ig_core::json::parse(json.as_bytes()) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value),
            _ => Err("begins with json: but no number, true or false follows; put an apostrophe in front if it is text"),
        };
    }
    Ok(Value::String(text_read(cell).to_owned()))
}

/// The text that a cell says.
pub(super) fn text_read(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if means_something(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn means_something(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) || text.starts_with(JSON)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_no_formula_and_is_read_as_it_was() {
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
            let cell = written(&value).into_owned();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell}");
            assert_eq!(read(&cell).unwrap(), value, "{cell}");
            assert_eq!(text_read(&text_written(text)), text);
        }
        for value in [json!(1), json!(-2.5), json!(true), json!(12_345_678_901_234_567_i64)] {
            assert_eq!(read(&written(&value)).unwrap(), value);
        }
    }

    #[test]
    fn what_people_write_is_taken_as_it_is() {
        assert_eq!(read("O'Brien").unwrap(), json!("O'Brien"));
        assert_eq!(read("=1").unwrap(), json!("=1"));
        assert!(read("json:[1]").is_err());
        assert!(read("json:").is_err());
    }
}
