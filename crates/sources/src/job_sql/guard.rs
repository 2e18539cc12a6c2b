//! Writes a parsed query anew, and refuses what it does not know.
//!
//! Nothing of the author's text is sent: every keyword, name, literal and operator of the result is written here, from a tree of which each
//! part is taken apart field by field. A kind of node that is not named is refused. Names are always quoted; a literal that contains
//! quotes, backslashes or control characters becomes a parameter.

use ig_core::job::{TextPart, Variable};
use sqlparser::ast::Query;

mod call;
mod cast;
mod expression;
mod from;
mod literal;
mod name;
mod order;
mod query;
mod select;

use super::cte_scopes::CteScopes;
use super::refusal::{Refusal, Written};
use super::sql_writer::SlottedSql;
use super::table_policy::TablePolicy;

/// The most tables that a query may name, counting repetitions.
const MAX_TABLES: usize = 100;

/// A checked query.
#[derive(Debug)]
pub(super) struct Checked {
    /// The text to send, with slots.
    pub(super) sql: SlottedSql,
    /// The limit that the query sets itself, in rows.
    pub(super) own_limit: Option<u64>,
    /// Every relation that the text names, in order.
    pub(super) relations: Vec<Vec<String>>,
}

/// Checks and writes one query.
pub(super) struct Guard<'a> {
    policy: &'a TablePolicy<'a>,
    variables: &'a [&'a Variable],
    used: Vec<bool>,
    scopes: CteScopes,
    sql: SlottedSql,
    relations: Vec<Vec<String>>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(policy: &'a TablePolicy<'a>, variables: &'a [&'a Variable]) -> Self {
        Self {
            policy,
            variables,
            used: vec![false; variables.len()],
            scopes: CteScopes::default(),
            sql: SlottedSql::default(),
            relations: Vec::new(),
        }
    }

    /// Writes the whole query.
    pub(super) fn check(mut self, query: &Query) -> Result<Checked, Refusal> {
        let own_limit = self.outermost(query)?;
        if self.used.contains(&false) {
            return Err(Refusal::new(
                "has a variable in a comment or another place without a value: write it where a value stands, or remove it",
            ));
        }
        Ok(Checked {
            sql: self.sql,
            own_limit,
            relations: self.relations,
        })
    }

    /// Takes a variable; each mark stands at one place.
    fn variable(&mut self, number: usize) -> Result<TextPart, Refusal> {
        match (self.variables.get(number), self.used.get_mut(number)) {
            (Some(variable), Some(used)) if !*used => {
                *used = true;
                Ok(TextPart::Variable((*variable).clone()))
            }
            _ => Err(Refusal::new("has a variable that cannot be read: write it again")),
        }
    }

    /// Notes a relation that the text names.
    fn relation(&mut self, parts: &[&str]) -> Written {
        self.relations.push(parts.iter().map(|part| (*part).to_owned()).collect());
        if self.relations.len() > MAX_TABLES {
            return Err(Refusal::new(format!("must name at most {MAX_TABLES} tables")));
        }
        Ok(())
    }

    fn separated<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T) -> Written) -> Written {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.sql.push(", ");
            }
            write(self, item)?;
        }
        Ok(())
    }
}
