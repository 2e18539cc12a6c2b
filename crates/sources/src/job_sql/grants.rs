//! What the user of a connection may do, from the server's own list of grants.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Row, from_value_opt};
use tokio::time::timeout;

use super::connection::{self, SqlConnection};
use super::sql_error::{ErrorContext, SqlError};

/// How long the look at the grants may take.
const DEADLINE: Duration = Duration::from_secs(15);
/// The most bytes of the list of grants.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most grants that a message names.
const MAX_NAMED: usize = 10;

/// Why a user must not be used for jobs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RightsFault {
    /// The user may do more than read.
    #[error("the connection's user may do more than read: it has {}; {fix}", .grants.join(", "))]
    Excessive {
        /// What the user has, such as `FILE on *.*`; at most ten.
        grants: Vec<String>,
        /// The statements that make a user who may only read.
        fix: String,
    },
    /// The grants could not be read.
    #[error("the rights of the connection's user could not be read: {0}")]
    Unknown(#[source] SqlError),
}

impl SqlConnection {
    /// Refuses a user with any right but to read: files, writes, administration, functions everywhere, roles, or passing rights on.
    pub async fn check_rights(&self) -> Result<(), RightsFault> {
        let excessive: Vec<_> = self
            .grants()
            .await?
            .iter()
            .flat_map(|grant| excess(grant))
            .take(MAX_NAMED)
            .collect();
        if excessive.is_empty() {
            return Ok(());
        }
        let schema = self.schema();
        Err(RightsFault::Excessive {
            grants: excessive,
            fix: format!(
                "make another one with CREATE USER 'jobs_reader'@'%' IDENTIFIED BY '…' and GRANT SELECT ON `{schema}`.* TO \
                 'jobs_reader'@'%', and use it in the connection's address"
            ),
        })
    }

    async fn grants(&self) -> Result<Vec<String>, RightsFault> {
        let context = ErrorContext {
            deadline: DEADLINE,
            bytes: MAX_BYTES,
        };
        let reading = async {
            let mut conn = self.open(MAX_BYTES).await?;
            let grants = read_grants(&mut conn).await;
            connection::close(conn).await;
            grants
        };
        let read = timeout(DEADLINE, reading).await;
        let read = read.map_err(|_| RightsFault::Unknown(SqlError::TimedOut { after: DEADLINE }))?;
        read.map_err(|error| RightsFault::Unknown(context.classify(&error)))
    }
}

async fn read_grants(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<Row> = conn.query("SHOW GRANTS").await?;
    let texts = rows.into_iter().filter_map(|row| row.unwrap().pop());
    // An unreadable grant must not count as none.
    Ok(texts.map(|value| from_value_opt(value).unwrap_or_default()).collect())
}

/// What a line of `SHOW GRANTS` allows beyond reading. The line itself may contain a password's hash and is never shown.
fn excess(line: &str) -> Vec<String> {
    let Some(grant) = line.strip_prefix("GRANT ") else {
        return excess_of_other_line(line);
    };
    let Some((rights, rest)) = split_outside_quotes(grant, " ON ") else {
        let role = split_outside_quotes(grant, " TO ").map_or("?", |(role, _)| role);
        return vec![format!("the role {role}")];
    };
    let (object, rest) = split_outside_quotes(rest, " TO ").unwrap_or((rest, ""));
    let mut found: Vec<_> = rights_of(rights)
        .filter(|right| !may_have(right, object))
        .map(|right| format!("{right} on {object}"))
        .collect();
    if split_outside_quotes(rest, "WITH GRANT OPTION").is_some() {
        found.push(format!("GRANT OPTION on {object}"));
    }
    found
}

/// Lines that take rights away, or that name the role which a new session has.
fn excess_of_other_line(line: &str) -> Vec<String> {
    if line.starts_with("REVOKE ") {
        return Vec::new();
    }
    let what = if line.starts_with("SET DEFAULT ROLE ") {
        "a default role"
    } else {
        "a grant that cannot be read"
    };
    vec![what.to_owned()]
}

fn may_have(right: &str, object: &str) -> bool {
    match right {
        "USAGE" | "SELECT" | "SHOW VIEW" => true,
        // A view may call a function of its own database.
        "EXECUTE" => object != "*.*",
        _ => false,
    }
}

/// The names of rights, without the columns that some are limited to.
fn rights_of(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let outside = list.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    outside.map(|right| right.split_once('(').map_or(right, |(right, _)| right).trim())
}

/// Splits at a separator that stands neither in quotes nor in parentheses.
fn split_outside_quotes<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, letter) in text.char_indices() {
        if quote.is_none() && depth == 0 && text[at..].starts_with(separator) {
            return Some((&text[..at], &text[at + separator.len()..]));
        }
        match (quote, letter) {
            (None, '`' | '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if letter == open => quote = None,
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_of_a_reader_are_no_excess() {
        for line in [
            "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4'",
            "GRANT SELECT ON `his`.* TO `r`@`%`",
            "GRANT SELECT, SHOW VIEW ON `his`.* TO `r`@`%`",
            "GRANT SELECT (`a`, `b ON c`), SELECT (`d`) ON `his`.`bills` TO `r`@`%`",
            "GRANT EXECUTE ON FUNCTION `his`.`age` TO `r`@`%`",
            "GRANT EXECUTE ON `his`.* TO `r`@`%`",
            "REVOKE SELECT ON `secret`.* FROM `r`@`%`",
            "GRANT SELECT ON ` ON x TO y`.* TO `r`@`%`",
        ] {
            assert_eq!(excess(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn grants_beyond_reading_are_named_without_hashes() {
        for (line, expected) in [
            ("GRANT FILE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*marker'", "FILE on *.*"),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION",
                "ALL PRIVILEGES on *.*",
            ),
            ("GRANT SELECT, SUPER ON *.* TO `r`@`%`", "SUPER on *.*"),
            ("GRANT EXECUTE ON *.* TO `r`@`%`", "EXECUTE on *.*"),
            ("GRANT SELECT, INSERT ON `his`.* TO `r`@`%`", "INSERT on `his`.*"),
            (
                "GRANT SELECT (`a`), UPDATE (`b`, `c`) ON `his`.`t` TO `r`@`%`",
                "UPDATE on `his`.`t`",
            ),
            (
                "GRANT CREATE TEMPORARY TABLES ON `his`.* TO `r`@`%`",
                "CREATE TEMPORARY TABLES on `his`.*",
            ),
            (
                "GRANT SELECT ON `his`.* TO `r`@`%` WITH GRANT OPTION",
                "GRANT OPTION on `his`.*",
            ),
            ("GRANT `writer` TO `r`@`%`", "the role `writer`"),
            (
                "GRANT `writer`@`%`,`other`@`%` TO `r`@`%`",
                "the role `writer`@`%`,`other`@`%`",
            ),
            ("SET DEFAULT ROLE `writer` FOR `r`@`%`", "a default role"),
            (
                "GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
                "PROXY on ''@'%'",
            ),
            (
                "GRANT BACKUP_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `r`@`%`",
                "BACKUP_ADMIN on *.*",
            ),
            ("", "a grant that cannot be read"),
        ] {
            let found = excess(line);
            assert_eq!(found.first().map(String::as_str), Some(expected), "{line}");
            assert!(!found.concat().contains("marker"), "{line}");
        }
    }
}
