//! JSON text straight into values of a context.

use std::borrow::Cow;
use std::fmt;

use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsObject, JsString, JsValue};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads a text as the value that it stands for.
pub(super) fn read(json: &[u8], context: &mut Context) -> serde_json::Result<JsValue> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Values(context).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Values<'a>(&'a mut Context);

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = JsValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<JsValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = JsValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<JsValue, E> {
        Ok(JsValue::null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<JsValue, E> {
        Ok(JsValue::new(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<JsValue, E> {
        Ok(number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<JsValue, E> {
        Ok(i64::try_from(value).map_or_else(|_| JsValue::new(value as f64), number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<JsValue, E> {
        Ok(JsValue::new(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<JsValue, E> {
        Ok(JsString::from(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<JsValue, A::Error> {
        let mut values = Vec::with_capacity(elements.size_hint().unwrap_or(0));
        while let Some(value) = elements.next_element_seed(Values(self.0))? {
            values.push(value);
        }
        Ok(JsArray::from_iter(values, self.0).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsValue, A::Error> {
        let object = JsObject::with_object_proto(self.0.intrinsics());
        while let Some(key) = members.next_key::<Cow<'de, str>>()? {
            let value = members.next_value_seed(Values(self.0))?;
            let property = PropertyDescriptor::builder()
                .value(value)
                .writable(true)
                .enumerable(true)
                .configurable(true);
            object.insert_property(JsString::from(&*key), property);
        }
        Ok(object.into())
    }
}

/// A number as the engine likes it best.
pub(super) fn number(value: i64) -> JsValue {
    i32::try_from(value).map_or_else(|_| JsValue::new(value as f64), JsValue::new)
}
