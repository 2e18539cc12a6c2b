//! Compiles a tenant's source in its context.

mod redeclared;
mod shape;

use std::path::Path;

use boa_engine::ast::scope::Scope;
use boa_engine::interner::Interner;
use boa_engine::parser::Parser;
use boa_engine::{Script, Source};

use super::failure;
use super::sandbox::Sandbox;
use crate::script::ScriptFault;
use crate::script::call::ScriptKind;
use crate::script::wire::Failure;
use crate::script::worker::nesting;

/// The tenant's source in stack traces.
pub(super) const PATH: &str = "script";
/// The lines before the tenant's own.
pub(super) const LINES_BEFORE: u32 = 1;

/// Compiles a source; evaluating the script returns the function to call.
pub(super) fn compile(source: &str, kind: ScriptKind, sandbox: &mut Sandbox) -> Result<Script, Failure> {
    let wrapped = wrap(source, kind);
    check_confined(&wrapped, kind).map_err(|failure| with_position(failure, source))?;
    let context = &mut sandbox.context;
    let script = Script::parse(reader(&wrapped), None, context);
    let script = script.map_err(|error| failure::of_run(&error, LINES_BEFORE, context))?;
    let compiled = script.codeblock(context).map(drop);
    compiled.map_err(|error| failure::of_run(&error, LINES_BEFORE, context))?;
    Ok(script)
}

/// Adds the start of an unclosed text, which boa's lexer does not report.
fn with_position(failure: Failure, source: &str) -> Failure {
    let position = failure.position.or_else(|| nesting::unclosed(source));
    Failure { position, ..failure }
}

/// A source without `await` becomes an ordinary function, which is called faster.
fn wrap(source: &str, kind: ScriptKind) -> String {
    let async_keyword = if source.contains("await") { "async " } else { "" };
    let (before, after) = match kind {
        ScriptKind::Transform => (
            "",
            ";if (typeof transform === \"function\") return transform(payload, context);",
        ),
        ScriptKind::Expression => ("return (", ");"),
    };
    format!("({async_keyword}function (payload, context) {{ \"use strict\"; {before}\n{source}\n{after}}})")
}

/// Refuses a source that leaves the function around it, or declares a name twice. Boa's parser of a function's body would not notice the
/// first, since it takes a closing brace for the end; so the whole is parsed, and has to be that one function.
fn check_confined(wrapped: &str, kind: ScriptKind) -> Result<(), Failure> {
    let mut interner = Interner::default();
    let parsed = Parser::new(reader(wrapped)).parse_script(&Scope::new_global(), &mut interner);
    let script = parsed.map_err(|error| failure::of_syntax(&error, LINES_BEFORE))?;
    if let Some((name, position)) = redeclared::find(&script) {
        let message = format!("'{}' is declared more than once", interner.resolve_expect(name));
        return Err(failure::in_source(message, position, LINES_BEFORE));
    }
    let message = match kind {
        _ if shape::is_one_function(&script, kind) => return Ok(()),
        ScriptKind::Transform => "the source closes a bracket that it did not open",
        ScriptKind::Expression => "a condition is one expression",
    };
    Err(Failure::new(ScriptFault::Syntax, message))
}

fn reader(text: &str) -> Source<'static, boa_engine::parser::source::UTF8Input<&[u8]>> {
    Source::from_reader(text.as_bytes(), Some(Path::new(PATH)))
}
