//! How values of MongoDB become JSON.
//!
//! The crates that speak to MongoDB hand over its canonical extended JSON, which loses nothing. The plain form is derived
//! from that here, so it is the same for all of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Number, Value};

/// The binary subtype of a UUID.
const UUID_SUBTYPE: &str = "04";

/// The form of MongoDB's values in a job's data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BsonStyle {
    /// JSON without type names. Numbers keep their digits, and a number that JSON lacks is the text `NaN`, `Infinity` or
    /// `-Infinity`. Identifiers are hex, dates are ISO 8601 in UTC, UUIDs are text, other binary is base64. A regular
    /// expression is `/pattern/options`, a timestamp `{t, i}`, an undefined value null.
    #[default]
    Plain,
    /// MongoDB's canonical extended JSON, such as `{"$numberLong": "1"}`.
    Extended,
}

impl BsonStyle {
    /// Converts a value from canonical extended JSON to this form.
    pub fn convert(self, canonical: Value) -> Value {
        match self {
            Self::Plain => plain(canonical),
            Self::Extended => canonical,
        }
    }
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => plain_typed(&fields).unwrap_or_else(|| plain_fields(fields)),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar,
    }
}

fn plain_fields(fields: Map<String, Value>) -> Value {
    fields.into_iter().map(|(name, value)| (name, plain(value))).collect()
}

/// The plain form of an object that states the type of one value; `None` for every other object.
fn plain_typed(fields: &Map<String, Value>) -> Option<Value> {
    let mut all = fields.iter();
    let (Some((name, content)), None) = (all.next(), all.next()) else {
        return None;
    };
    match name.as_str() {
        "$oid" | "$symbol" | "$code" => content.as_str().map(Value::from),
        "$numberInt" | "$numberLong" | "$numberDecimal" => content.as_str().map(exact_number),
        "$numberDouble" => content.as_str().map(double),
        "$date" => date(content),
        "$binary" => binary(content),
        "$regularExpression" => regular_expression(content),
        "$timestamp" => content.is_object().then(|| content.clone()),
        "$undefined" => Some(Value::Null),
        "$minKey" => Some("MinKey".into()),
        "$maxKey" => Some("MaxKey".into()),
        "$dbPointer" => pointer(content),
        _ => None,
    }
}

/// A number with its digits as written, or its text where JSON has no such number.
fn exact_number(text: &str) -> Value {
    text.parse().map_or_else(|_| text.into(), Value::Number)
}

fn double(text: &str) -> Value {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.map_or_else(|| text.into(), Value::Number)
}

/// A date beyond the calendar stays a number of milliseconds since 1970.
fn date(content: &Value) -> Option<Value> {
    let millis: i64 = content.get("$numberLong")?.as_str()?.parse().ok()?;
    let date = DateTime::from_timestamp_millis(millis);
    Some(date.map_or_else(
        || millis.into(),
        |date| date.to_rfc3339_opts(SecondsFormat::Millis, true).into(),
    ))
}

fn binary(content: &Value) -> Option<Value> {
    let base64 = content.get("base64")?.as_str()?;
    let is_uuid = content.get("subType")?.as_str()? == UUID_SUBTYPE;
    let bytes = is_uuid.then(|| STANDARD.decode(base64).ok()).flatten();
    let uuid = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    Some(uuid.map_or_else(|| base64.into(), |bytes| uuid_text(bytes).into()))
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

fn regular_expression(content: &Value) -> Option<Value> {
    let pattern = content.get("pattern")?.as_str()?;
    let options = content.get("options")?.as_str()?;
    Some(format!("/{pattern}/{options}").into())
}

fn pointer(content: &Value) -> Option<Value> {
    let reference = content.get("$ref")?.clone();
    let id = plain(content.get("$id")?.clone());
    let fields = [("ref".to_owned(), reference), ("id".to_owned(), id)];
    Some(Value::Object(fields.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(canonical: Value) -> String {
        BsonStyle::Plain.convert(canonical).to_string()
    }

    #[test]
    fn plain_numbers_keep_their_digits() {
        let cases = [
            (json!({"$numberInt": "-7"}), "-7"),
            (json!({"$numberLong": "9223372036854775807"}), "9223372036854775807"),
            (
                json!({"$numberDecimal": "1234567890.123456789012345678901234"}),
                "1234567890.123456789012345678901234",
            ),
            (json!({"$numberDecimal": "0.10"}), "0.10"),
            (json!({"$numberDouble": "0.1"}), "0.1"),
            (json!({"$numberDouble": "5.0"}), "5.0"),
            (json!({"$numberDouble": "NaN"}), "\"NaN\""),
            (json!({"$numberDouble": "-Infinity"}), "\"-Infinity\""),
            (json!({"$numberDecimal": "NaN"}), "\"NaN\""),
            (json!({"$numberDecimal": "Infinity"}), "\"Infinity\""),
        ];
        for (canonical, expected) in cases {
            assert_eq!(text(canonical.clone()), expected, "{canonical}");
        }
    }

    #[test]
    fn plain_dates_identifiers_and_binary_are_text() {
        let oid = json!({"$oid": "65a1b2c3d4e5f60718293a4b"});
        assert_eq!(text(oid), "\"65a1b2c3d4e5f60718293a4b\"");
        let date = |millis: i64| json!({"$date": {"$numberLong": millis.to_string()}});
        assert_eq!(text(date(1_700_000_000_123)), "\"2023-11-14T22:13:20.123Z\"");
        assert_eq!(text(date(-1)), "\"1969-12-31T23:59:59.999Z\"");
        assert_eq!(text(date(i64::MAX)), i64::MAX.to_string());
        let uuid = json!({"$binary": {"base64": "ASNFZ4mrze8BI0VniavN7w==", "subType": "04"}});
        assert_eq!(text(uuid), "\"01234567-89ab-cdef-0123-456789abcdef\"");
        let bytes = json!({"$binary": {"base64": "AQID", "subType": "00"}});
        assert_eq!(text(bytes), "\"AQID\"");
    }

    #[test]
    fn plain_form_of_rare_types_is_readable() {
        let cases = [
            (
                json!({"$regularExpression": {"pattern": "^a/b", "options": "i"}}),
                json!("/^a/b/i"),
            ),
            (json!({"$timestamp": {"t": 5, "i": 1}}), json!({"t": 5, "i": 1})),
            (json!({"$symbol": "s"}), json!("s")),
            (json!({"$code": "f()"}), json!("f()")),
            (json!({"$undefined": true}), json!(null)),
            (json!({"$minKey": 1}), json!("MinKey")),
            (json!({"$maxKey": 1}), json!("MaxKey")),
            (
                json!({"$dbPointer": {"$ref": "a.b", "$id": {"$oid": "65a1b2c3d4e5f60718293a4b"}}}),
                json!({"ref": "a.b", "id": "65a1b2c3d4e5f60718293a4b"}),
            ),
        ];
        for (canonical, expected) in cases {
            assert_eq!(BsonStyle::Plain.convert(canonical), expected);
        }
    }

    #[test]
    fn plain_form_reaches_nested_values_and_leaves_other_objects() {
        let canonical = json!({
            "a": [{"b": {"$numberInt": "1"}}, null, true],
            "$date": "kept", "$oid": 5,
            "one": {"$unknown": {"$numberInt": "2"}},
        });
        let expected = json!({"a": [{"b": 1}, null, true], "$date": "kept", "$oid": 5, "one": {"$unknown": 2}});
        assert_eq!(BsonStyle::Plain.convert(canonical), expected);
    }

    #[test]
    fn extended_form_is_unchanged() {
        let canonical = json!({"a": {"$numberLong": "1"}});
        assert_eq!(BsonStyle::Extended.convert(canonical.clone()), canonical);
    }
}
