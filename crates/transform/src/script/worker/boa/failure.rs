//! Turns errors of the engine into messages and positions.

use boa_engine::ast;
use boa_engine::error::{EngineError, RuntimeLimitError};
use boa_engine::object::JsObject;
use boa_engine::parser::{self, lexer};
use boa_engine::{Context, JsError, JsString, JsValue, js_string};

use super::source::PATH;
use super::state::State;
use crate::script::limits::{MAX_LOOP_ITERATIONS, MAX_MESSAGE_BYTES, MAX_RECURSION};
use crate::script::wire::Failure;
use crate::script::{Position, ScriptFault};

/// Why a run failed.
pub(super) fn of_run(error: &JsError, lines_before: u32, context: &mut Context) -> Failure {
    if let Some(failure) = State::of(context).failure() {
        return failure;
    }
    let mut failure = match (error.as_engine(), error.as_opaque()) {
        (Some(engine), _) => of_engine(engine),
        (None, Some(thrown)) => Failure::new(ScriptFault::Error, describe(thrown, context)),
        (None, None) => Failure::new(ScriptFault::Error, native(error)),
    };
    if let Some(failure) = State::of(context).failure() {
        return failure;
    }
    shorten(&mut failure.message, MAX_MESSAGE_BYTES);
    failure.position =
        position_in(&error.to_string(), lines_before).or_else(|| position_in(&stack(error, context)?, lines_before));
    failure
}

fn of_engine(error: &EngineError) -> Failure {
    let limit = |message| Failure::new(ScriptFault::Limit, message);
    match error {
        EngineError::RuntimeLimit(RuntimeLimitError::LoopIteration) => {
            limit(format!("a loop turned more than {MAX_LOOP_ITERATIONS} times"))
        }
        EngineError::RuntimeLimit(RuntimeLimitError::Recursion) => {
            limit(format!("functions called each other more than {MAX_RECURSION} levels deep"))
        }
        EngineError::RuntimeLimit(RuntimeLimitError::StackSize) => limit("the script used too much stack".to_owned()),
        EngineError::Panic(_) => Failure::new(ScriptFault::Error, "the script engine failed on this script"),
    }
}

fn native(error: &JsError) -> String {
    let native = error.as_native();
    native.map_or_else(
        || "the script failed".to_owned(),
        |native| format!("{}: {}", native.kind(), native.message()),
    )
}

/// Whether an error's constructor made an object.
pub(super) fn is_error(object: &JsObject) -> bool {
    object.is::<boa_engine::builtins::error::Error>()
}

/// A thrown value in words. This may run getters of the script, which stay under the run's limits.
pub(super) fn describe(thrown: &JsValue, context: &mut Context) -> String {
    if let Some(object) = thrown.as_object() {
        let name = text(&object, js_string!("name"), context);
        let message = text(&object, js_string!("message"), context);
        return match (name, message) {
            (Some(name), Some(message)) if !message.is_empty() => format!("{name}: {message}"),
            (Some(name), _) => name,
            (None, Some(message)) => message,
            (None, None) => "the script threw an object that is not an error".to_owned(),
        };
    }
    match thrown.as_string() {
        Some(text) => text.to_std_string_lossy(),
        None => thrown.display().to_string(),
    }
}

fn text(object: &JsObject, key: JsString, context: &mut Context) -> Option<String> {
    match object.get(key, context) {
        Ok(value) => Some(value.as_string()?.to_std_string_lossy()),
        Err(error) => {
            let engine = error.as_engine().map(of_engine);
            engine.map(|failure| State::of(context).end(failure));
            None
        }
    }
}

fn stack(error: &JsError, context: &mut Context) -> Option<String> {
    let object = error.as_opaque()?.as_object()?;
    is_error(&object)
        .then(|| text(&object, js_string!("stack"), context))
        .flatten()
}

/// The innermost position in the tenant's source that a stack trace names; the engine offers no other way to find it.
fn position_in(trace: &str, lines_before: u32) -> Option<Position> {
    let prefix = format!("({PATH}:");
    trace.lines().find_map(|line| {
        let position = line.trim_start().strip_prefix("at ")?.rsplit_once(&prefix)?.1;
        let (line, column) = position.strip_suffix(')')?.split_once(':')?;
        let line = line.parse::<u32>().ok()?.checked_sub(lines_before)?;
        let column = column.parse().ok()?;
        (line > 0).then_some(Position { line, column })
    })
}

/// Why a source is not a script.
pub(super) fn of_syntax(error: &parser::Error, lines_before: u32) -> Failure {
    let (message, position) = match error {
        parser::Error::Expected {
            expected, found, span, ..
        } => (
            format!("expected {}, found '{found}'", expected.join(" or ")),
            Some(span.start()),
        ),
        parser::Error::Unexpected { message, found, span } => (format!("unexpected '{found}': {message}"), Some(span.start())),
        parser::Error::General { message, position }
        | parser::Error::Lex {
            err: lexer::Error::Syntax(message, position),
        } => (message.to_string(), Some(*position)),
        parser::Error::Lex {
            err: lexer::Error::IO(_),
        } => (
            "a text, template, comment or regular expression is not closed".to_owned(),
            None,
        ),
        parser::Error::AbruptEnd => ("the source ends in the middle of something".to_owned(), None),
        parser::Error::ScopeAnalysis { err } => ((*err).to_owned(), None),
    };
    in_source(message, position, lines_before)
}

/// A fault of a source.
pub(super) fn in_source(message: String, position: Option<ast::Position>, lines_before: u32) -> Failure {
    let mut failure = Failure::new(ScriptFault::Syntax, message);
    shorten(&mut failure.message, MAX_MESSAGE_BYTES);
    failure.position = position.and_then(|position| {
        let line = position.line_number().checked_sub(lines_before).filter(|line| *line > 0)?;
        let column = position.column_number();
        Some(Position { line, column })
    });
    failure
}

/// Cuts a text to at most this many bytes, between characters.
pub(super) fn shorten(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = text.floor_char_boundary(bytes);
        text.truncate(end);
    }
}
