//! Which tables a query may read, and which rows of them.

use std::collections::HashMap;

use ig_core::job::{TableAccess, TableScope};

use super::refusal::{Refusal, quoted};

/// The most names that a message lists.
const MAX_LISTED: usize = 20;

/// The tables of a connection, by schema and name. Both are compared exactly, since a server's rules differ by file system.
pub(super) struct TablePolicy<'a> {
    tables: HashMap<(Option<&'a str>, &'a str), Rule<'a>>,
    listed: &'a [TableAccess],
    default_schema: Option<&'a str>,
}

/// How a table may be read.
#[derive(Clone, Copy)]
enum Rule<'a> {
    Allowed(AllowedTable<'a>),
    /// The connection lists it with and without its schema, and with different scopes.
    Contradictory,
}

/// A table that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AllowedTable<'a> {
    /// The schema to write, if it is known.
    pub(super) schema: Option<&'a str>,
    /// Its name.
    pub(super) table: &'a str,
    /// The rows that may be read.
    pub(super) scope: &'a TableScope,
}

impl<'a> TablePolicy<'a> {
    pub(super) fn new(listed: &'a [TableAccess], default_schema: Option<&'a str>) -> Self {
        let mut tables = HashMap::new();
        for TableAccess { table, scope } in listed {
            let (schema, table) = (table.schema().or(default_schema), table.table());
            let allowed = AllowedTable { schema, table, scope };
            let rule = tables.entry((schema, table)).or_insert(Rule::Allowed(allowed));
            if !matches!(rule, Rule::Allowed(first) if *first == allowed) {
                *rule = Rule::Contradictory;
            }
        }
        Self {
            tables,
            listed,
            default_schema,
        }
    }

    /// The table of a name, if a query may read it.
    pub(super) fn find(&self, schema: Option<&str>, table: &str) -> Result<AllowedTable<'a>, Refusal> {
        match self.tables.get(&(schema.or(self.default_schema), table)) {
            Some(Rule::Allowed(allowed)) => Ok(*allowed),
            Some(Rule::Contradictory) => Err(Refusal::new(format!(
                "reads `{}`, which the connection lists twice with different tenant columns",
                quoted(table)
            ))),
            None => Err(self.refused(schema, table)),
        }
    }

    fn refused(&self, schema: Option<&str>, table: &str) -> Refusal {
        let name = schema.map_or_else(|| table.to_owned(), |schema| format!("{schema}.{table}"));
        let names: Vec<_> = self
            .listed
            .iter()
            .take(MAX_LISTED)
            .map(|access| access.table.to_string())
            .collect();
        let more = if self.listed.len() > MAX_LISTED { " and others" } else { "" };
        Refusal::new(format!(
            "must not read `{}`: the connection allows {}{more}, spelled exactly like this",
            quoted(&name),
            names.join(", ")
        ))
    }
}
