//! Finds names that a function declares twice: an early error of the language that boa's parser does not report.

use std::collections::HashSet;
use std::ops::ControlFlow;

use boa_engine::ast::StatementListItem as Item;
use boa_engine::ast::expression::Identifier;
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::operations::{bound_names, var_declared_names};
use boa_engine::ast::visitor::{VisitWith as _, Visitor};
use boa_engine::ast::{Declaration, Position, Script, Spanned as _};
use boa_engine::interner::Sym;

/// The first name that a function body declares with `let`, `const` or `class` although it is taken, and its position.
pub(super) fn find(script: &Script) -> Option<(Sym, Option<Position>)> {
    match Bodies.visit_script(script) {
        ControlFlow::Break(found) => Some(found),
        ControlFlow::Continue(()) => None,
    }
}

struct Bodies;

impl<'a> Visitor<'a> for Bodies {
    type BreakTy = (Sym, Option<Position>);

    fn visit_function_body(&mut self, body: &'a FunctionBody) -> ControlFlow<Self::BreakTy> {
        if let Some((name, item)) = redeclared(body) {
            return ControlFlow::Break((name, position_of(name, item)));
        }
        body.visit_with(self)
    }
}

fn redeclared(body: &FunctionBody) -> Option<(Sym, &Item)> {
    let items = body.statements().iter();
    let mut taken: HashSet<Sym> = items.clone().filter_map(function_name).collect();
    taken.extend(var_declared_names(body));
    items
        .flat_map(|item| lexical_names(item).into_iter().map(move |name| (name, item)))
        .find(|(name, _)| !taken.insert(*name))
}

/// The functions that a body declares are variables, not lexical names.
fn function_name(item: &Item) -> Option<Sym> {
    let Item::Declaration(declaration) = item else { return None };
    let name = match declaration.as_ref() {
        Declaration::FunctionDeclaration(function) => function.name(),
        Declaration::GeneratorDeclaration(function) => function.name(),
        Declaration::AsyncFunctionDeclaration(function) => function.name(),
        Declaration::AsyncGeneratorDeclaration(function) => function.name(),
        Declaration::ClassDeclaration(_) | Declaration::Lexical(_) => return None,
    };
    Some(name.sym())
}

fn lexical_names(item: &Item) -> Vec<Sym> {
    let Item::Declaration(declaration) = item else {
        return Vec::new();
    };
    match declaration.as_ref() {
        Declaration::ClassDeclaration(class) => vec![class.name().sym()],
        Declaration::Lexical(lexical) => bound_names(lexical),
        _ => Vec::new(),
    }
}

/// The last position of a name in an item: in `const a = 1, a = 2` that is the redeclaration.
fn position_of(name: Sym, item: &Item) -> Option<Position> {
    let mut positions = LastPosition { name, last: None };
    let _ = positions.visit_statement_list_item(item);
    positions.last
}

struct LastPosition {
    name: Sym,
    last: Option<Position>,
}

impl<'a> Visitor<'a> for LastPosition {
    type BreakTy = ();

    fn visit_identifier(&mut self, identifier: &'a Identifier) -> ControlFlow<()> {
        if identifier.sym() == self.name {
            self.last = Some(identifier.span().start());
        }
        ControlFlow::Continue(())
    }
}
