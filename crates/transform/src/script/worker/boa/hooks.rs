//! The hooks of the engine into its host: code from texts is refused, local time is UTC.

use boa_engine::context::HostHooks;
use boa_engine::realm::Realm;
use boa_engine::{Context, JsNativeError, JsResult, JsString};

use crate::script::limits::MAX_BUFFER_BYTES;

/// The hooks of every context.
#[derive(Debug)]
pub(super) struct Hooks;

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(&self, _: Realm, _: &[JsString], _: &JsString, _: bool, _: &mut Context) -> JsResult<()> {
        let refusal = "code from texts (eval, new Function) is not available in scripts";
        Err(JsNativeError::eval().with_message(refusal).into())
    }

    fn local_timezone_offset_seconds(&self, _: i64) -> i32 {
        0
    }

    fn max_buffer_size(&self, _: &mut Context) -> u64 {
        MAX_BUFFER_BYTES
    }
}
