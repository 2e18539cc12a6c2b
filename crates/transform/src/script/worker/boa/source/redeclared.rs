//! Names that a function declares twice, which is an early error of the language that boa's parser does not look for.

use std::collections::HashSet;
use std::ops::ControlFlow;

use boa_engine::ast::StatementListItem as Item;
use boa_engine::ast::expression::Identifier;
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::operations::{bound_names, var_declared_names};
use boa_engine::ast::visitor::{VisitWith as _, Visitor};
use boa_engine::ast::{Declaration, Position, Script, Spanned as _};
use boa_engine::interner::Sym;

/// The first name that a function body declares with `let`, `const` or `class` though it has it already, and where.
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
            return ControlFlow::Break((name, place(name, item)));
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

/// Functions that a body declares are its variables, not among its lexical names.
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

/// Where an item names it last: of `const a = 1, a = 2` that is the one too many.
fn place(name: Sym, item: &Item) -> Option<Position> {
    let mut places = Places { name, last: None };
    let _ = places.visit_statement_list_item(item);
    places.last
}

struct Places {
    name: Sym,
    last: Option<Position>,
}

impl<'a> Visitor<'a> for Places {
    type BreakTy = ();

    fn visit_identifier(&mut self, identifier: &'a Identifier) -> ControlFlow<()> {
        if identifier.sym() == self.name {
            self.last = Some(identifier.span().start());
        }
        ControlFlow::Continue(())
    }
}
