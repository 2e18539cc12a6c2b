//! The inputs of a script.

use boa_engine::object::JsObject;
use boa_engine::object::ObjectInitializer;
use boa_engine::property::Attribute;
use boa_engine::{Context, JsString, js_string};
use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use super::json;
use crate::script::ScriptFault;
use crate::script::limits::{MAX_DEPTH, MAX_INPUT_BYTES, depth};
use crate::script::wire::{Failure, RunHead};

/// Parses the payload. The engine never does, because its `JSON.parse` compiles the text and keeps it.
pub(super) fn payload(text: &[u8]) -> Result<Value, Failure> {
    let limit = |message| Failure::new(ScriptFault::Limit, message);
    if text.len() > MAX_INPUT_BYTES {
        let size = text.len();
        return Err(limit(format!(
            "the payload has {size} bytes, a script is given at most {MAX_INPUT_BYTES}"
        )));
    }
    if depth(text) > MAX_DEPTH {
        return Err(limit(format!("the payload nests more than {MAX_DEPTH} levels")));
    }
    ig_core::json::parse(text).map_err(|_| Failure::new(ScriptFault::Error, "the payload is not JSON"))
}

/// The object that a script sees as `context`.
pub(super) fn context(head: &RunHead, context: &mut Context) -> JsObject {
    let text = |text: &str| JsString::from(text);
    let now = DateTime::from_timestamp_millis(head.now).unwrap_or_default();
    let now = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut object = ObjectInitializer::new(context);
    object
        .property(js_string!("eventType"), text(&head.event_type), Attribute::all())
        .property(js_string!("orgId"), json::number(head.org), Attribute::all())
        .property(js_string!("tenantId"), json::number(head.tenant_id), Attribute::all())
        .property(js_string!("integrationId"), text(&head.integration_id), Attribute::all())
        .property(js_string!("now"), text(&now), Attribute::all());
    object.build()
}
