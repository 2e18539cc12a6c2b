//! The helpers that scripts have beyond the language.

mod dates;
mod lookup;
mod text;
mod zone;

use boa_engine::native_function::NativeFunctionPointer;
use boa_engine::{Context, JsNativeError, JsResult, JsString, JsValue, NativeFunction};

const FUNCTIONS: [(&str, usize, NativeFunctionPointer); 13] = [
    ("epoch", 1, dates::epoch),
    ("datetime", 4, dates::datetime),
    ("parseDate", 3, dates::parse_date),
    ("formatDate", 3, dates::format_date),
    ("addDays", 2, dates::add_days),
    ("addHours", 2, dates::add_hours),
    ("addMinutes", 2, dates::add_minutes),
    ("formatPhone", 2, text::format_phone),
    ("uppercase", 1, text::uppercase),
    ("lowercase", 1, text::lowercase),
    ("trim", 1, text::trim),
    ("get", 3, lookup::get),
    ("lookup", 3, lookup::lookup),
];

/// Adds the helpers to a context.
pub(super) fn install(context: &mut Context) -> JsResult<()> {
    for (name, arguments, function) in FUNCTIONS {
        let function = NativeFunction::from_fn_ptr(function);
        context.register_global_builtin_callable(JsString::from(name), arguments, function)?;
    }
    Ok(())
}

/// A value as text; `null` and `undefined` have none.
fn text(value: &JsValue, context: &mut Context) -> JsResult<Option<String>> {
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    Ok(Some(value.to_string(context)?.to_std_string_lossy()))
}

fn range_error<T>(message: &str) -> JsResult<T> {
    Err(JsNativeError::range().with_message(message.to_owned()).into())
}
