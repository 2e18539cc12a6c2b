//! Lookup rows before they have an identity, and the rules for their content.

use serde_json::{Map, Value};

use super::{LookupSide, LookupTable};
use crate::fault::Faults;
use crate::id::LookupType;

/// The longest type, in characters.
pub const MAX_TYPE_CHARS: usize = 100;
/// The longest identifier of a side, in characters.
pub const MAX_ID_CHARS: usize = 500;
/// The most further fields of a side.
pub const MAX_FIELDS: usize = 50;
/// The longest JSON of the further fields of a side, in bytes.
pub const MAX_FIELDS_BYTES: usize = 8 * 1024;
const MAX_NAME_CHARS: usize = 100;

/// A requested lookup row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupDraft {
    /// The table that it belongs to.
    pub table: LookupTable,
    /// The value in payloads.
    pub source: LookupSide,
    /// The value at the target.
    pub target: LookupSide,
    /// Whether lookups use it.
    pub is_active: bool,
}

/// Checks the name of a type: 1 to 100 characters, no white space around it, no control characters.
pub fn parse_lookup_type(text: &str) -> Result<LookupType, Faults> {
    let fault = |message: String| Err(Faults::single("", message));
    if text.is_empty() || text.trim() != text {
        return fault("must be a type such as DEPARTMENT, without white space around it".to_owned());
    }
    if text.chars().count() > MAX_TYPE_CHARS {
        return fault(format!("must be at most {MAX_TYPE_CHARS} characters"));
    }
    if text.chars().any(char::is_control) {
        return fault("must not hold control characters".to_owned());
    }
    Ok(LookupType::new(text))
}

impl LookupSide {
    /// A valid side: an identifier, trimmed as [`super::LookupKey`] trims its value, and plain fields.
    pub fn checked(id: &str, fields: Map<String, Value>) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let id = id.trim();
        if id.is_empty() {
            faults.add("/id", "is empty; give the value that is looked up or written");
        }
        if id.chars().count() > MAX_ID_CHARS {
            faults.add("/id", format!("must be at most {MAX_ID_CHARS} characters"));
        }
        if id.chars().any(char::is_control) {
            faults.add("/id", "must not hold control characters");
        }
        for (name, value) in &fields {
            check_field(name, value, &mut faults);
        }
        if fields.len() > MAX_FIELDS {
            faults.add("", format!("must have at most {MAX_FIELDS} fields beside id"));
        }
        if Value::Object(fields.clone()).to_string().len() > MAX_FIELDS_BYTES {
            faults.add("", format!("must be at most {MAX_FIELDS_BYTES} bytes of fields"));
        }
        faults.into_result(Self {
            id: id.to_owned(),
            fields,
        })
    }
}

fn check_field(name: &str, value: &Value, faults: &mut Faults) {
    let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let is_name = !name.trim().is_empty() && name.trim() == name && name.chars().count() <= MAX_NAME_CHARS;
    if !is_name || name == "id" || name.chars().any(char::is_control) {
        faults.add(&place, format!("is no field's name; give 1 to {MAX_NAME_CHARS} characters"));
    }
    if !matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
        faults.add(place, "must be a text, a number, true or false");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn places(result: Result<LookupSide, Faults>) -> Vec<String> {
        let faults = result.err().unwrap_or_default();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_lookup_side_is_trimmed_and_plain() {
        let side = LookupSide::checked(" 12 ", fields(&json!({"key": "A", "n": 1, "on": true}))).unwrap();
        assert_eq!(side.id, "12");
    }

    #[test]
    fn faults_of_a_lookup_side_are_reported_by_place() {
        assert_eq!(places(LookupSide::checked("  ", Map::new())), ["/id"]);
        assert_eq!(places(LookupSide::checked(&"x".repeat(501), Map::new())), ["/id"]);
        assert_eq!(places(LookupSide::checked("a\nb", Map::new())), ["/id"]);
        let odd = fields(&json!({"": 1, "a/b": null, "l": [], "o": {}, "id": "2"}));
        assert_eq!(places(LookupSide::checked("1", odd)), ["/", "/a~1b", "/l", "/o", "/id"]);
        let many: Map<_, _> = (0..51).map(|n| (format!("f{n}"), json!(n))).collect();
        assert_eq!(places(LookupSide::checked("1", many)), [""]);
        assert_eq!(
            places(LookupSide::checked("1", fields(&json!({"a": "x".repeat(9_000)})))),
            [""]
        );
    }

    #[test]
    fn a_lookup_type_is_a_plain_name() {
        assert!(parse_lookup_type("DEPARTMENT").is_ok());
        for text in ["", " A", "A\n", &"x".repeat(101)] {
            assert!(parse_lookup_type(text).is_err(), "{text}");
        }
    }
}
