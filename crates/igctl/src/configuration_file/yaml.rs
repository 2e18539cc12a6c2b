//! Writes a JSON document as YAML.

use ig_core::decimal::Decimal;
use serde::ser::{Error, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::{Number, Value};

/// A value to serialize as YAML. YAML's numbers have fewer digits than JSON's: a number that would lose some is an error.
pub(super) struct Yaml<'a>(pub(super) &'a Value);

impl Serialize for Yaml<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(found) => number(found, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Yaml(item))?;
                }
                list.end()
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, field) in fields {
                    map.serialize_entry(key, &Yaml(field))?;
                }
                map.end()
            }
        }
    }
}

fn number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(whole) = number.as_i64() {
        return serializer.serialize_i64(whole);
    }
    match number.as_f64() {
        Some(double) if keeps(number, double) => serializer.serialize_f64(double),
        _ => Err(S::Error::custom(format!(
            "the number {number} has more digits than YAML keeps: write it as a text"
        ))),
    }
}

/// Whether the double equals the number.
fn keeps(number: &Number, double: f64) -> bool {
    Number::from_f64(double).is_some_and(|written| Decimal::of(&written) == Decimal::of(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_number_keeps_its_digits_or_is_an_error() {
        let yaml = |text: &str| serde_norway::to_string(&Yaml(&serde_json::from_str(text).unwrap()));
        assert_eq!(
            yaml(r#"{"a":[1,1.5,true,null,"x"]}"#).unwrap(),
            "a:\n- 1\n- 1.5\n- true\n- null\n- x\n"
        );
        assert!(
            yaml("123456789012345678901234567890")
                .unwrap_err()
                .to_string()
                .contains("more digits")
        );
    }
}
