//! `console`, captured.

use boa_engine::object::ObjectInitializer;
use boa_engine::property::Attribute;
use boa_engine::{Context, JsResult, JsString, JsValue, NativeFunction, js_string};

use super::failure;
use super::state::State;
use crate::script::limits::{MAX_CONSOLE_BYTES, MAX_CONSOLE_LINES};
use crate::script::outcome::{ConsoleLevel, ConsoleLine};

/// The lines of one run, up to the limits on lines and bytes.
#[derive(Debug, Default)]
pub(super) struct Console {
    lines: Vec<ConsoleLine>,
    bytes: usize,
}

impl Console {
    pub(super) fn into_lines(self) -> Vec<ConsoleLine> {
        self.lines
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_CONSOLE_LINES || self.bytes >= MAX_CONSOLE_BYTES
    }

    fn write(&mut self, level: ConsoleLevel, mut text: String) {
        failure::shorten(&mut text, MAX_CONSOLE_BYTES - self.bytes);
        self.bytes += text.len();
        self.lines.push(ConsoleLine { level, text });
        if self.is_full() {
            let text = "(what follows was not kept)".to_owned();
            let level = ConsoleLevel::Warn;
            self.lines.push(ConsoleLine { level, text });
        }
    }
}

const FUNCTIONS: [(ConsoleLevel, &str); 5] = [
    (ConsoleLevel::Log, "log"),
    (ConsoleLevel::Info, "info"),
    (ConsoleLevel::Warn, "warn"),
    (ConsoleLevel::Error, "error"),
    (ConsoleLevel::Debug, "debug"),
];

/// Adds `console` to a context.
pub(super) fn install(context: &mut Context) -> JsResult<()> {
    let mut console = ObjectInitializer::new(context);
    for (level, name) in FUNCTIONS {
        let function = NativeFunction::from_copy_closure(move |_, arguments, context| write(level, arguments, context));
        console.function(function, JsString::from(name), 0);
    }
    let console = console.build();
    context.register_global_property(js_string!("console"), console, Attribute::all())
}

fn write(level: ConsoleLevel, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let state = State::of(context);
    if !state.console.borrow().is_full() {
        let text = format_line(&state, arguments, context)?;
        state.console.borrow_mut().write(level, text);
    }
    Ok(JsValue::undefined())
}

fn format_line(state: &State, arguments: &[JsValue], context: &mut Context) -> JsResult<String> {
    let mut line = String::new();
    for (index, argument) in arguments.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        if line.len() > MAX_CONSOLE_BYTES {
            break;
        }
        line.push_str(&format_value(state, argument, context)?);
    }
    Ok(line)
}

/// A value for readers: texts as they are, errors as their message, the rest as JSON.
fn format_value(state: &State, value: &JsValue, context: &mut Context) -> JsResult<String> {
    let Some(object) = value.as_object() else {
        return Ok(match value.as_string() {
            Some(text) => text.to_std_string_lossy(),
            None => value.display().to_string(),
        });
    };
    if object.is_callable() {
        return Ok("[function]".to_owned());
    }
    if failure::is_error(&object) {
        return Ok(failure::describe(value, context));
    }
    match state
        .stringify
        .call(&JsValue::undefined(), std::slice::from_ref(value), context)
    {
        Ok(json) => Ok(json
            .as_string()
            .map_or_else(|| "[object]".to_owned(), |json| json.to_std_string_lossy())),
        Err(error) if error.as_engine().is_some() => Err(error),
        Err(_) => Ok("[object]".to_owned()),
    }
}
