//! What a script is given.

use boa_engine::object::JsObject;
use boa_engine::object::ObjectInitializer;
use boa_engine::property::Attribute;
use boa_engine::{Context, JsString, JsValue, js_string};
use chrono::{DateTime, SecondsFormat};

use crate::script::ScriptFault;
use crate::script::limits::{MAX_DEPTH, MAX_INPUT_BYTES, depth};
use crate::script::wire::{Failure, RunHead};

/// The payload as a value of the context. It is never parsed by the engine, whose `JSON.parse` compiles the text and keeps it.
pub(super) fn payload(json: &[u8], context: &mut Context) -> Result<JsValue, Failure> {
    let limit = |message| Failure::new(ScriptFault::Limit, message);
    if json.len() > MAX_INPUT_BYTES {
        let size = json.len();
        return Err(limit(format!(
            "the payload has {size} bytes, a script is given at most {MAX_INPUT_BYTES}"
        )));
    }
    if depth(json) > MAX_DEPTH {
        return Err(limit(format!("the payload nests more than {MAX_DEPTH} levels")));
    }
    let value = serde_json::from_slice(json).map_err(|_| Failure::new(ScriptFault::Error, "the payload is not JSON"))?;
    JsValue::from_json(&value, context).map_err(|_| Failure::new(ScriptFault::Error, "the payload cannot be given to a script"))
}

/// What it sees as `context`.
pub(super) fn context(head: &RunHead, context: &mut Context) -> JsObject {
    let text = |text: &str| JsString::from(text);
    let now = DateTime::from_timestamp_millis(head.now).unwrap_or_default();
    let now = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut object = ObjectInitializer::new(context);
    object
        .property(js_string!("eventType"), text(&head.event_type), Attribute::all())
        .property(js_string!("orgId"), number(head.org), Attribute::all())
        .property(js_string!("tenantId"), number(head.tenant_id), Attribute::all())
        .property(js_string!("integrationId"), text(&head.integration_id), Attribute::all())
        .property(js_string!("now"), text(&now), Attribute::all());
    object.build()
}

fn number(value: i64) -> JsValue {
    i32::try_from(value).map_or_else(|_| JsValue::new(value as f64), JsValue::new)
}
