//! Turns JSON into values of a context.

use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsObject, JsString, JsValue};
use serde_json::Value;

/// A JSON value as a value of a context.
pub(super) fn value(json: &Value, context: &mut Context) -> JsValue {
    match json {
        Value::Null => JsValue::null(),
        Value::Bool(flag) => JsValue::new(*flag),
        Value::Number(found) => match found.as_i64() {
            Some(whole) => number(whole),
            // JavaScript reads a number beyond the range of doubles as infinity.
            None => JsValue::new(found.as_str().parse::<f64>().unwrap_or(f64::NAN)),
        },
        Value::String(text) => JsString::from(text.as_str()).into(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| value(item, context)).collect();
            JsArray::from_iter(items, context).into()
        }
        Value::Object(fields) => {
            let object = JsObject::with_object_proto(context.intrinsics());
            for (key, field) in fields {
                let property = PropertyDescriptor::builder()
                    .value(value(field, context))
                    .writable(true)
                    .enumerable(true)
                    .configurable(true);
                object.insert_property(JsString::from(key.as_str()), property);
            }
            object.into()
        }
    }
}

/// A number in the form that is fastest for the engine.
pub(super) fn number(value: i64) -> JsValue {
    i32::try_from(value).map_or_else(|_| JsValue::new(value as f64), JsValue::new)
}
