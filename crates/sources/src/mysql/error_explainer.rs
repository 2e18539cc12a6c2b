//! Explains why a server refused a statement, and which setting to correct.

use ig_core::ports::SourceError;
use mysql_async::{Row, ServerError, Value, from_value_opt};

use super::connections::{Connections, StatementError};
use crate::config::{EntityTable, MySqlConfig};

/// Error codes that require an operator to act.
/// Source: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>.
mod code {
    pub(super) const ACCESS_TO_DATABASE_DENIED: u16 = 1044;
    pub(super) const ACCESS_DENIED: u16 = 1045;
    pub(super) const UNKNOWN_DATABASE: u16 = 1049;
    pub(super) const UNKNOWN_COLUMN: u16 = 1054;
    pub(super) const SYNTAX: u16 = 1064;
    pub(super) const HOST_DENIED: u16 = 1130;
    pub(super) const TABLE_DENIED: u16 = 1142;
    pub(super) const COLUMN_DENIED: u16 = 1143;
    pub(super) const NO_SUCH_TABLE: u16 = 1146;
    pub(super) const INVALID_VIEW: u16 = 1356;
    pub(super) const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
    pub(super) const WRITES_IN_READ_ONLY: u16 = 1792;
}

const COLUMNS_OF: &str = "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";

/// What it takes to explain an error about one table.
#[derive(Debug)]
pub(super) struct ErrorExplainer {
    table_key: &'static str,
    columns_key: &'static str,
    table: String,
    columns: Vec<(&'static str, String)>,
}

impl ErrorExplainer {
    /// Explains errors about the queue table.
    pub(super) fn for_queue(config: &MySqlConfig) -> Self {
        Self {
            table_key: "sources.mysql.table",
            columns_key: "sources.mysql.columns",
            table: config.table.clone(),
            columns: owned(config.columns.named()),
        }
    }

    /// Explains errors about the entity table.
    pub(super) fn for_entity_table(table: &EntityTable) -> Self {
        Self {
            table_key: "sources.mysql.entity_table.table",
            columns_key: "sources.mysql.entity_table",
            table: table.table.clone(),
            columns: owned(table.named()),
        }
    }

    /// Maps an error to the setting that caused it.
    pub(super) async fn explain(&self, connections: &Connections, error: StatementError) -> SourceError {
        let error = match error {
            StatementError::Unavailable(message) => return SourceError::Unavailable(message),
            StatementError::Refused(error) => error,
        };
        let problem = match error.code {
            code::UNKNOWN_COLUMN => self.missing_columns(connections).await,
            other => self.known_problem(other),
        };
        match problem {
            Some(problem) => SourceError::Misconfigured(format!("{problem} ({error})")),
            None => SourceError::Unavailable(error.to_string()),
        }
    }

    fn known_problem(&self, code: u16) -> Option<String> {
        let Self { table_key, table, .. } = self;
        match code {
            code::NO_SUCH_TABLE => Some(format!("{table_key} names `{table}`, which the database does not have")),
            code::INVALID_VIEW => Some(format!("{table_key} names `{table}`, a view that is not valid")),
            code::WRITES_IN_READ_ONLY => Some(format!("{table_key} names `{table}`, and reading it would write")),
            code::TABLE_DENIED | code::COLUMN_DENIED => {
                Some(format!("the user of sources.mysql.url may not select from `{table}`"))
            }
            code::UNKNOWN_DATABASE => Some("sources.mysql.url names a database that does not exist".to_owned()),
            code::ACCESS_DENIED | code::ACCESS_DENIED_NO_PASSWORD | code::ACCESS_TO_DATABASE_DENIED | code::HOST_DENIED => {
                Some("sources.mysql.url has a user, password or database that the server does not admit".to_owned())
            }
            code::SYNTAX => Some(format!(
                "{table_key} or {} leads to SQL that the server does not take",
                self.columns_key
            )),
            _ => None,
        }
    }

    /// Names the settings whose columns the table does not have.
    async fn missing_columns(&self, connections: &Connections) -> Option<String> {
        let mut present: Vec<String> = Vec::new();
        let read = |row: Row| present.extend(row.unwrap().into_iter().filter_map(|name| from_value_opt(name).ok()));
        let answer = connections.read(COLUMNS_OF, vec![Value::from(&self.table)], read).await;
        let is_missing = |name: &str| !present.iter().any(|present| present.eq_ignore_ascii_case(name));
        let missing: Vec<_> = self
            .columns
            .iter()
            .filter(|(_, name)| is_missing(name))
            .map(|column| self.column_setting(column))
            .collect();
        match answer {
            Ok(()) if !missing.is_empty() => Some(format!("`{}` has no such column: {}", self.table, missing.join(", "))),
            Ok(()) | Err(_) => Some(format!(
                "{} names a column that `{}` does not have",
                self.columns_key, self.table
            )),
        }
    }

    fn column_setting(&self, (key, name): &(&'static str, String)) -> String {
        format!("{}.{key} = \"{name}\"", self.columns_key)
    }
}

fn owned(named: Vec<(&'static str, &str)>) -> Vec<(&'static str, String)> {
    named.into_iter().map(|(key, name)| (key, name.to_owned())).collect()
}

/// Whether the error says that the table does not exist.
pub(super) fn is_missing_table(error: &ServerError) -> bool {
    error.code == code::NO_SUCH_TABLE
}
