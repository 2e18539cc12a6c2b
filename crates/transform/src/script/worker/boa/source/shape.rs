//! The syntax tree that a wrapped source has to have.

use boa_engine::ast::StatementListItem as Item;
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::{Expression, Script, Statement};

use crate::script::call::ScriptKind;

/// Whether a script is one function in parentheses and nothing else. It begins where the wrapper begins, so it is the wrapper's function.
pub(super) fn is_one_function(script: &Script, kind: ScriptKind) -> bool {
    let Some(body) = only_function(script) else { return false };
    match kind {
        ScriptKind::Transform => true,
        ScriptKind::Expression => returns_one_expression(body),
    }
}

fn only_function(script: &Script) -> Option<&FunctionBody> {
    let [item] = script.statements().statements() else {
        return None;
    };
    let Statement::Expression(Expression::Parenthesized(inner)) = statement(item)? else {
        return None;
    };
    match inner.expression() {
        Expression::FunctionExpression(function) => Some(function.body()),
        Expression::AsyncFunctionExpression(function) => Some(function.body()),
        _ => None,
    }
}

/// Whether only `return (…)` follows the directive.
fn returns_one_expression(body: &FunctionBody) -> bool {
    let statements = body.statements().iter().filter_map(statement);
    let rest: Vec<_> = statements
        .filter(|statement| !matches!(statement, Statement::Empty))
        .skip(1)
        .collect();
    let [Statement::Return(returned)] = rest[..] else {
        return false;
    };
    body.statements().iter().all(|item| statement(item).is_some())
        && matches!(returned.target(), Some(Expression::Parenthesized(_)))
}

fn statement(item: &Item) -> Option<&Statement> {
    match item {
        Item::Statement(statement) => Some(statement),
        Item::Declaration(_) => None,
    }
}
