//! From a tenant's source to a script that is compiled in its context.

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

/// What stack traces call the tenant's source.
pub(super) const PATH: &str = "script";
/// Lines that stand before the tenant's own.
pub(super) const LINES_BEFORE: u32 = 1;

/// Compiles a source; evaluating the script gives the function to call.
pub(super) fn compile(source: &str, kind: ScriptKind, sandbox: &mut Sandbox) -> Result<Script, Failure> {
    let wrapped = wrap(source, kind);
    stays_inside(&wrapped, kind).map_err(|failure| placed(failure, source))?;
    let context = &mut sandbox.context;
    let script = Script::parse(reader(&wrapped), None, context);
    let script = script.map_err(|error| failure::of_run(&error, LINES_BEFORE, context))?;
    let compiled = script.codeblock(context).map(drop);
    compiled.map_err(|error| failure::of_run(&error, LINES_BEFORE, context))?;
    Ok(script)
}

/// Boa's lexer does not say where a text begins that nothing closes.
fn placed(failure: Failure, source: &str) -> Failure {
    let position = failure.position.or_else(|| nesting::unclosed(source));
    Failure { position, ..failure }
}

/// Without `await` the function is an ordinary one, which is called faster.
fn wrap(source: &str, kind: ScriptKind) -> String {
    let marker = if source.contains("await") { "async " } else { "" };
    let (before, after) = match kind {
        ScriptKind::Transform => (
            "",
            ";if (typeof transform === \"function\") return transform(payload, context);",
        ),
        ScriptKind::Expression => ("return (", ");"),
    };
    format!("({marker}function (payload, context) {{ \"use strict\"; {before}\n{source}\n{after}}})")
}

/// The source has to stay inside the function that was put around it. Boa's parser of a function's body alone would not tell: it
/// takes a closing brace for the end. So the whole is parsed, and has to be that one function. Names are to be declared once.
fn stays_inside(wrapped: &str, kind: ScriptKind) -> Result<(), Failure> {
    let mut interner = Interner::default();
    let parsed = Parser::new(reader(wrapped)).parse_script(&Scope::new_global(), &mut interner);
    let script = parsed.map_err(|error| failure::of_syntax(&error, LINES_BEFORE))?;
    if let Some((name, place)) = redeclared::find(&script) {
        let message = format!("'{}' is declared more than once", interner.resolve_expect(name));
        return Err(failure::in_source(message, place, LINES_BEFORE));
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
