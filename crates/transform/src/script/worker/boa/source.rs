//! From a tenant's source to a script that is compiled in its context.

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

/// What stack traces call the tenant's source.
pub(super) const PATH: &str = "script";
/// Lines that stand before the tenant's own.
pub(super) const LINES_BEFORE: u32 = 1;

/// Compiles a source; evaluating the script gives the function to call.
pub(super) fn compile(source: &str, kind: ScriptKind, sandbox: &mut Sandbox) -> Result<Script, Failure> {
    let awaits = source.contains("await");
    alone(source, awaits)?;
    let wrapped = wrap(source, kind, awaits);
    let context = &mut sandbox.context;
    let script = Script::parse(reader(&wrapped), None, context).map_err(|_| refusal(&wrapped))?;
    script
        .codeblock(context)
        .map_err(|error| failure::of_run(&error, LINES_BEFORE, context))?;
    Ok(script)
}

/// The source has to be a function's body by itself: only then does it stay inside the function that is put around it.
fn alone(source: &str, awaits: bool) -> Result<(), Failure> {
    let mut parser = Parser::new(reader(source));
    parser.set_strict();
    let parsed = parser.parse_function_body(&mut Interner::default(), false, awaits);
    parsed.map(drop).map_err(|error| failure::of_syntax(&error, 0))
}

/// Without `await` the function is an ordinary one, which is called faster.
fn wrap(source: &str, kind: ScriptKind, awaits: bool) -> String {
    let marker = if awaits { "async " } else { "" };
    let (before, after) = match kind {
        ScriptKind::Transform => (
            "",
            ";if (typeof transform === \"function\") return transform(payload, context);",
        ),
        ScriptKind::Expression => ("return (", ");"),
    };
    format!("({marker}function (payload, context) {{ \"use strict\"; {before}\n{source}\n{after}}})")
}

/// Why the source is no script although it parsed alone (an expression of two statements, a parameter declared again).
fn refusal(wrapped: &str) -> Failure {
    let parsed = Parser::new(reader(wrapped)).parse_script(&Scope::new_global(), &mut Interner::default());
    match parsed {
        Err(error) => failure::of_syntax(&error, LINES_BEFORE),
        Ok(_) => Failure::new(ScriptFault::Syntax, "the source is not a script"),
    }
}

fn reader(text: &str) -> Source<'static, boa_engine::parser::source::UTF8Input<&[u8]>> {
    Source::from_reader(text.as_bytes(), Some(Path::new(PATH)))
}
