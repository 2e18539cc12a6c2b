//! `get` and `lookup`.

use boa_engine::property::PropertyKey;
use boa_engine::{Context, JsArgs as _, JsResult, JsString, JsValue};

use super::text;
use crate::script::ScriptFault;
use crate::script::limits::MAX_LOOKUP_BYTES;
use crate::script::wire::Failure;
use crate::script::worker::boa::state::State;

/// `get(obj, path, fallback)`: the value at a path such as `items[0].code` or `["items", 0, "code"]`.
///
/// It reads own properties only, and returns the fallback (or `undefined`) when one is missing.
pub(super) fn get(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let fallback = || arguments.get_or_undefined(2).clone();
    let mut value = arguments.get_or_undefined(0).clone();
    for key in keys(arguments.get_or_undefined(1), context)? {
        let Some(object) = value.as_object() else {
            return Ok(fallback());
        };
        if !object.has_own_property(key.clone(), context)? {
            return Ok(fallback());
        }
        value = object.get(key, context)?;
    }
    Ok(if value.is_undefined() { fallback() } else { value })
}

fn keys(path: &JsValue, context: &mut Context) -> JsResult<Vec<PropertyKey>> {
    if let Some(path) = path.as_object() {
        let length = path.get(JsString::from("length"), context)?.to_length(context)?.min(100);
        return (0..length)
            .map(|index| path.get(index, context)?.to_property_key(context))
            .collect();
    }
    let path = text(path, context)?.unwrap_or_default();
    let keys = path.split(['.', '[', ']']).filter(|key| !key.is_empty());
    Ok(keys.map(|key| PropertyKey::from(JsString::from(key))).collect())
}

/// `lookup(type, value, fallback?)`: what the lookup table has for a value, or the fallback (or `null`).
///
/// The run waits for the result, and the wait counts. A lookup that fails has no value: it ends the run.
pub(super) fn lookup(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = State::of(context);
    let fallback = arguments.get(2).cloned().unwrap_or_else(JsValue::null);
    let kind = text(arguments.get_or_undefined(0), context)?;
    let (Some(kind), Some(value)) = (kind, text(arguments.get_or_undefined(1), context)?) else {
        return Ok(fallback);
    };
    if kind.len() + value.len() > MAX_LOOKUP_BYTES {
        let message = format!("a lookup asked for more than {MAX_LOOKUP_BYTES} bytes");
        return Err(state.end(Failure::new(ScriptFault::Limit, message)));
    }
    state.count_lookup()?;
    match state.lookups.lookup(&kind, &value) {
        Ok(Some(found)) => JsValue::from_json(&found, context),
        Ok(None) => Ok(fallback),
        Err(_) => Err(state.end(Failure::new(ScriptFault::Unavailable, "a lookup could not be answered"))),
    }
}
