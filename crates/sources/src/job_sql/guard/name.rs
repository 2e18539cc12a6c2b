//! Names of columns, tables and aliases.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart, TableAlias, TableAliasColumnDef};

use super::Guard;
use crate::job_sql::marked_text::has_mark;
use crate::job_sql::refusal::{Refusal, Written, quoted, require};
use crate::job_sql::sql_writer::RESERVED_PREFIX;

/// The longest name of a column or table, in characters.
const MAX_NAME_CHARS: usize = 64;
/// The longest alias, in characters.
const MAX_ALIAS_CHARS: usize = 256;

/// The name of a column, table or schema.
pub(super) fn name(ident: &Ident) -> Result<&str, Refusal> {
    match ident.quote_style {
        None | Some('`') => checked(ident, MAX_NAME_CHARS),
        Some(_) => Err(Refusal::new(format!(
            "must quote the name {} with backticks",
            quoted(&ident.value)
        ))),
    }
}

/// An alias, which may also stand in quotes.
pub(super) fn alias(ident: &Ident) -> Result<&str, Refusal> {
    match ident.quote_style {
        None | Some('`' | '"' | '\'') => checked(ident, MAX_ALIAS_CHARS),
        Some(_) => Err(Refusal::new(format!(
            "must quote the alias {} with backticks",
            quoted(&ident.value)
        ))),
    }
}

fn checked(ident: &Ident, max_chars: usize) -> Result<&str, Refusal> {
    let text = ident.value.as_str();
    let refuse = |why: &str| Err(Refusal::new(format!("has the name `{}`, which {why}", quoted(text))));
    if has_mark(text) {
        return Err(Refusal::new(
            "has a variable that stands for no value: variables stand alone, in IN lists, or within quoted texts",
        ));
    }
    if ident.quote_style.is_none() && text.contains('@') {
        return Err(Refusal::construct("variables of the server such as @a and @@version"));
    }
    if text.contains(['`', '\\']) || text.chars().any(char::is_control) || text.ends_with(' ') || text.is_empty() {
        return refuse("has a character that names must not have");
    }
    if text.chars().count() > max_chars {
        return refuse("is too long");
    }
    let begins_reserved = text
        .get(..RESERVED_PREFIX.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(RESERVED_PREFIX));
    if begins_reserved {
        return refuse("begins like the names that the platform adds: choose another one");
    }
    Ok(text)
}

/// The identifiers of a name that consists of nothing else.
pub(super) fn parts(object: &ObjectName) -> Result<Vec<&Ident>, Refusal> {
    let ObjectName(parts) = object;
    parts.iter().map(identifier).collect()
}

fn identifier(part: &ObjectNamePart) -> Result<&Ident, Refusal> {
    match part {
        ObjectNamePart::Identifier(ident) => Ok(ident),
        ObjectNamePart::Function(_) => Err(Refusal::construct("functions in names")),
    }
}

/// A name of one identifier.
pub(super) fn single(object: &ObjectName) -> Result<&Ident, Refusal> {
    match parts(object)?.as_slice() {
        [ident] => Ok(*ident),
        _ => Err(Refusal::new(format!("must not qualify `{}`", quoted(&object.to_string())))),
    }
}

impl Guard<'_> {
    /// Writes a name.
    pub(super) fn name(&mut self, ident: &Ident) -> Written {
        self.sql.name(name(ident)?);
        Ok(())
    }

    /// Writes `column`, `table.column` or, without its schema, `schema.table.column`: tables are known by their aliases in the text.
    pub(super) fn column(&mut self, idents: &[Ident]) -> Written {
        match idents {
            [column] => self.name(column),
            [table, column] => self.qualified(table, column),
            [schema, table, column] => {
                name(schema)?;
                self.qualified(table, column)
            }
            _ => Err(Refusal::construct("names of more than three parts")),
        }
    }

    fn qualified(&mut self, table: &Ident, column: &Ident) -> Written {
        self.name(table)?;
        self.sql.push(".");
        self.name(column)
    }

    /// Writes ` AS alias`, with the names of its columns if it has any.
    pub(super) fn table_alias(&mut self, table_alias: &TableAlias) -> Written {
        let TableAlias {
            explicit: _,
            name,
            columns,
            at,
        } = table_alias;
        require(at.is_none(), "AT after an alias")?;
        self.sql.push(" AS ");
        self.name(name)?;
        self.alias_columns(columns)
    }

    /// Writes the column names of an alias, if it has any.
    pub(super) fn alias_columns(&mut self, columns: &[TableAliasColumnDef]) -> Written {
        if columns.is_empty() {
            return Ok(());
        }
        self.sql.push(" (");
        self.separated(columns, |guard, column| {
            let TableAliasColumnDef { name, data_type } = column;
            require(data_type.is_none(), "types of columns in aliases")?;
            guard.name(name)
        })?;
        self.sql.push(")");
        Ok(())
    }
}
