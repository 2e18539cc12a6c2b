//! The common table expressions (`WITH …`) that are visible at a place of a query.
//!
//! Each gets a name of our own in the text that is sent. Should a server see another scope than we do, it finds no table of that name; it
//! never reads a table that the name happens to denote outside.

use super::refusal::{Refusal, quoted};
use super::sql_writer::RESERVED_PREFIX;

/// The visible expressions, innermost last.
#[derive(Debug, Default)]
pub(super) struct CteScopes {
    levels: Vec<Vec<Cte>>,
    defined: usize,
}

#[derive(Debug)]
struct Cte {
    name: String,
    written: String,
}

impl CteScopes {
    /// Enters a query, whose expressions end with it.
    pub(super) fn enter(&mut self) {
        self.levels.push(Vec::new());
    }

    /// Leaves the query entered last.
    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    /// A new name to write for an expression.
    pub(super) fn new_name(&mut self) -> String {
        self.defined += 1;
        format!("{RESERVED_PREFIX}_cte_{}", self.defined)
    }

    /// Makes an expression visible in the current query.
    pub(super) fn define(&mut self, name: &str, written: &str) -> Result<(), Refusal> {
        let Some(level) = self.levels.last_mut() else {
            return Err(Refusal::construct("WITH outside of a query"));
        };
        if level.iter().any(|cte| cte.name == name) {
            return Err(Refusal::new(format!("defines `{}` twice in one WITH", quoted(name))));
        }
        level.push(Cte {
            name: name.to_owned(),
            written: written.to_owned(),
        });
        Ok(())
    }

    /// The written name of a visible expression.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let visible = self.levels.iter().rev().flatten();
        visible
            .into_iter()
            .find(|cte| cte.name == name)
            .map(|cte| cte.written.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cte_is_visible_within_its_query_and_shadows_outer_ones() {
        let mut scopes = CteScopes::default();
        scopes.enter();
        scopes.define("a", "x1").unwrap();
        scopes.enter();
        assert_eq!(scopes.find("a"), Some("x1"));
        scopes.define("a", "x2").unwrap();
        assert_eq!(scopes.find("a"), Some("x2"));
        assert_eq!(scopes.find("A"), None);
        assert!(scopes.define("a", "x3").is_err());
        scopes.leave();
        assert_eq!(scopes.find("a"), Some("x1"));
        scopes.leave();
        assert_eq!(scopes.find("a"), None);
    }
}
