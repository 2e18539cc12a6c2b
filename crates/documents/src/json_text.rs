//! Free JSON within a document. JSON keeps it as it is; a binary format keeps its text, since the types of a binary format would
//! preserve neither every number nor every key.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Serializes a field.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return value.serialize(serializer);
    }
    let text = serde_json::to_string(value).map_err(S::Error::custom)?;
    serializer.serialize_str(&text)
}

/// What free JSON is kept in.
pub trait FreeJson: Sized {
    /// Takes a value as it was parsed. A way through `serde_json::from_value` would take an object with one of its private keys for a
    /// number or a raw text.
    fn from_json(value: Value) -> Option<Self>;
}

impl FreeJson for Value {
    fn from_json(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl FreeJson for Map<String, Value> {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl<T: FreeJson> FreeJson for Option<T> {
    fn from_json(value: Value) -> Option<Self> {
        T::from_json(value).map(Some)
    }
}

/// Deserializes a field.
pub fn deserialize<'de, T: DeserializeOwned + FreeJson, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        return T::deserialize(deserializer);
    }
    let text = String::deserialize(deserializer)?;
    let value = ig_core::json::parse(text.as_bytes()).map_err(D::Error::custom)?;
    T::from_json(value).ok_or_else(|| D::Error::custom("is not of the kind of JSON that belongs here"))
}

/// An optional field that may be null: absent is `None`, and null is a value like any other.
pub mod nullable {
    use super::{Deserializer, Serialize, Serializer, Value};

    /// Serializes a field that is present.
    pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(value, serializer)
    }

    /// Deserializes a field that is present, null included.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        super::deserialize::<Value, D>(deserializer).map(Some)
    }
}

/// A list of free JSON.
pub mod list {
    use serde::ser::SerializeSeq as _;

    use super::{Deserialize, Deserializer, Serializer, Value, deserialize as item, serialize as write};

    struct Item<'a>(&'a Value);

    impl serde::Serialize for Item<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            write(self.0, serializer)
        }
    }

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Owned(#[serde(deserialize_with = "item")] Value);

    /// Serializes a list.
    #[allow(clippy::ref_option, reason = "serde passes the field")]
    pub fn serialize<S: Serializer>(list: &Option<Vec<Value>>, serializer: S) -> Result<S::Ok, S::Error> {
        let list = list.as_deref().unwrap_or_default();
        let mut items = serializer.serialize_seq(Some(list.len()))?;
        for value in list {
            items.serialize_element(&Item(value))?;
        }
        items.end()
    }

    /// Deserializes a list.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Value>>, D::Error> {
        let list = Option::<Vec<Owned>>::deserialize(deserializer)?;
        Ok(list.map(|list| list.into_iter().map(|Owned(value)| value).collect()))
    }
}
