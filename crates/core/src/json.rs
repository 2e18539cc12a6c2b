//! Parses JSON from outside. Numbers keep their digits, and every key of an object means only itself.
//!
//! `serde_json` represents a number other than a small integer as an object with one private field, and reads such an object in
//! a text as a number, or another one as raw JSON. The author of a payload must not be able to exploit that, so text from
//! outside is parsed here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The parser's private name for the field of a number.
const NUMBER: &str = "$serde_json::private::Number";

/// Parses a text; the error says where it stops being JSON. Where an object has a key twice, the last one wins.
pub fn parse(text: &[u8]) -> serde_json::Result<Value> {
    read(text, false)
}

/// Parses a text and refuses objects that have a key twice.
pub fn parse_unique(text: &[u8]) -> serde_json::Result<Value> {
    read(text, true)
}

fn read(text: &[u8], is_unique: bool) -> serde_json::Result<Value> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let found = Reader {
        is_unique,
        is_field: false,
    }
    .deserialize(&mut parser)?;
    parser.end()?;
    Ok(found.value())
}

/// Deserialises a value.
#[derive(Clone, Copy)]
struct Reader {
    is_unique: bool,
    /// Whether the value is in a field with the parser's name for the field of a number.
    is_field: bool,
}

/// The result of reading a value.
enum ReadValue {
    Value(Value),
    /// The field of a number. Only the parser passes an owned text here; text of the input is borrowed.
    Digits(String),
}

impl ReadValue {
    fn value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Digits(text) => Value::String(text),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = ReadValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ReadValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = ReadValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<ReadValue, E> {
        Ok(ReadValue::Value(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<ReadValue, E> {
        Ok(ReadValue::Value(Value::Bool(value)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<ReadValue, E> {
        Ok(ReadValue::Value(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<ReadValue, E> {
        Ok(ReadValue::Value(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<ReadValue, E> {
        Ok(ReadValue::Value(Value::String(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<ReadValue, E> {
        Ok(if self.is_field {
            ReadValue::Digits(text)
        } else {
            ReadValue::Value(Value::String(text))
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ReadValue, A::Error> {
        let reader = Self { is_field: false, ..self };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(reader)? {
            list.push(item.value());
        }
        Ok(ReadValue::Value(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ReadValue, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.is_unique && object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice in one object")));
            }
            let is_field = key == NUMBER;
            match entries.next_value_seed(Self { is_field, ..self })? {
                ReadValue::Digits(digits) => return number(&digits).map(ReadValue::Value).map_err(A::Error::custom),
                ReadValue::Value(value) => drop(object.insert(key, value)),
            }
        }
        Ok(ReadValue::Value(Value::Object(object)))
    }
}

fn number(digits: &str) -> serde_json::Result<Value> {
    digits.parse::<Number>().map(Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_parser_reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,3.50,123456789012345678901234567890,1e400,-0.0,null,true,"é\n"],"b":{},"b":[]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn json_numbers_keep_their_digits() {
        let text = "[1.10,123456789012345678901234567890,0.10e-7,1e+400,-0.0,1]";
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn json_keys_that_serde_json_uses_itself_mean_nothing() {
        for key in [NUMBER, "$serde_json::private::RawValue"] {
            for value in [
                r#""12""#,
                r#""{\"a\":1}""#,
                r#""x\u0031""#,
                "12",
                r#"{"a":1}"#,
                r#"[{"$serde_json::private::Number":"1"}]"#,
            ] {
                let text = format!(r#"{{"{key}":{value},"z":1}}"#);
                for text in [text.clone(), text.replace(r#","z":1"#, "")] {
                    let read = parse(text.as_bytes()).unwrap();
                    assert_eq!(read.as_object().unwrap().keys().next().unwrap(), key);
                    assert_eq!(parse(read.to_string().as_bytes()).unwrap(), read);
                }
            }
        }
    }

    #[test]
    fn json_with_duplicate_keys_is_refused_at_any_depth_where_keys_are_unique() {
        assert!(parse_unique(br#"{"a":1,"a":2}"#).is_err());
        assert!(parse_unique(br#"[{"b":{"a":1,"a":1}}]"#).is_err());
        assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap()["a"], 2);
    }

    #[test]
    fn json_that_is_too_deep_cut_off_or_not_text_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [deep.as_bytes(), b"{\"a\":1", b"{} x", b"\"\xff\"", b"", b"01", b"1."] {
            assert!(parse(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_written_json_number_reads_back_the_same(text in "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,30})?(e[+-][0-9]{1,3})?") {
            prop_assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        }
    }
}
