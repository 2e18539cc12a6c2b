//! Why a query has no result.

use std::io::ErrorKind;
use std::time::Duration;

use mysql_async::{DriverError, Error, IoError, ServerError, UrlError};

/// The longest message of a server that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// Why a query has no result. No text contains a credential; each can be shown to the author of the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The server refused the query, and would again.
    #[error("the database refused the query: {problem} (error {code})")]
    Refused {
        /// The server's error code.
        code: u16,
        /// What is wrong, in one sentence.
        problem: String,
    },
    /// The server cannot be reached or is busy; a later attempt may succeed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The query did not end in time. It was ended on the server.
    #[error("the query took longer than {} s: read fewer rows, or ask for an index", .after.as_secs_f64())]
    TimedOut {
        /// The time that it had.
        after: Duration,
    },
    /// The query was cancelled. It was ended on the server.
    #[error("the query was cancelled")]
    Cancelled,
    /// The result has more rows than allowed.
    #[error("the result has more than {cap} rows: narrow it with WHERE, aggregate it, or split the job")]
    TooManyRows {
        /// The most rows allowed.
        cap: usize,
    },
    /// The result is larger than allowed.
    #[error("the result is larger than {cap} bytes: select fewer columns or rows, or split the job")]
    TooManyBytes {
        /// The most bytes allowed.
        cap: usize,
    },
    /// Two columns of the result have the same name, so that a record could not hold both.
    #[error("the result has two columns named {name:?}: give one of them another name with AS")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
}

impl SqlError {
    /// Whether the same query may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Refused { .. }
            | Self::TimedOut { .. }
            | Self::Cancelled
            | Self::TooManyRows { .. }
            | Self::TooManyBytes { .. }
            | Self::DuplicateColumn { .. } => false,
        }
    }
}

/// The limits that an error of the driver may stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorContext {
    /// The time that the query had.
    pub(super) deadline: Duration,
    /// The most bytes of a result.
    pub(super) bytes: usize,
}

impl ErrorContext {
    /// Classifies an error of the driver.
    pub(super) fn classify(self, error: &Error) -> SqlError {
        match error {
            Error::Server(refusal) => self.classify_refusal(refusal),
            Error::Driver(DriverError::PacketTooLarge) => SqlError::TooManyBytes { cap: self.bytes },
            Error::Io(IoError::Io(error)) if is_oversized(error) => SqlError::TooManyBytes { cap: self.bytes },
            Error::Io(IoError::Io(error)) => SqlError::Unavailable(format!("the connection failed: {}", error.kind())),
            Error::Io(IoError::Tls(_)) => SqlError::Unavailable("the encrypted connection failed".to_owned()),
            Error::Url(UrlError::Invalid) => SqlError::Unavailable("its address is not valid".to_owned()),
            Error::Driver(_) | Error::Other(_) | Error::Url(_) => SqlError::Unavailable("the connection failed".to_owned()),
        }
    }

    /// Sources: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html> and
    /// <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>.
    fn classify_refusal(self, refusal: &ServerError) -> SqlError {
        let unavailable = |why: &str| SqlError::Unavailable(format!("{why} (error {})", refusal.code));
        match refusal.code {
            // MariaDB's limit of a statement, and MySQL's.
            1969 | 3024 => SqlError::TimedOut { after: self.deadline },
            1040 | 1203 | 1226 => unavailable("it has too many connections"),
            1053 | 1077 | 1079 | 1080 | 1152 | 1159 | 1161 => unavailable("it is shutting down or lost the connection"),
            1205 | 1213 => unavailable("it waited for locks in vain"),
            1317 | 1927 => unavailable("the query was ended by the server's administrator"),
            code => SqlError::Refused {
                code,
                problem: problem(refusal),
            },
        }
    }
}

/// The driver reports a packet beyond its limit as an error of this kind.
fn is_oversized(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Other
}

/// One sentence about a refusal. A server's own message is passed on where it is about names and syntax; others may quote credentials, or
/// values from the tables.
fn problem(refusal: &ServerError) -> String {
    match refusal.code {
        1044 | 1045 | 1130 | 1698 => {
            "the connection's user, password or database is not admitted; ask the platform's administrator".to_owned()
        }
        1049 => "the connection names a database that does not exist; ask the platform's administrator".to_owned(),
        1142 | 1143 | 1370 => "the connection's user may not read that table or column, or not call that function".to_owned(),
        1298 => "it does not know the connection's time zone; load the server's time zone tables".to_owned(),
        1792 => "the query would write, which it must not".to_owned(),
        // Names, syntax, grouping and the shape of results.
        1052 | 1054 | 1055 | 1056 | 1060 | 1064 | 1066 | 1109 | 1111 | 1115 | 1140 | 1146 | 1222 | 1241 | 1242 | 1247 | 1248
        | 1253 | 1267 | 1271 | 1273 | 1305 | 1356 | 1582 | 1630 | 3579 | 4016 => {
            refusal.message.chars().take(MAX_MESSAGE_CHARS).collect()
        }
        _ => "it gave no reason that can be passed on; look the error's number up".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(code: u16, message: &str) -> SqlError {
        let context = ErrorContext {
            deadline: Duration::from_secs(3),
            bytes: 100,
        };
        context.classify(&Error::Server(ServerError {
            code,
            message: message.to_owned(),
            state: "HY000".to_owned(),
        }))
    }

    #[test]
    fn sql_error_tells_what_is_worth_another_attempt() {
        for code in [1040, 1053, 1205, 1213, 1317] {
            assert!(classified(code, "").is_retryable(), "{code}");
        }
        for code in [1045, 1054, 1064, 1146, 1969, 3024, 9999] {
            assert!(!classified(code, "").is_retryable(), "{code}");
        }
    }

    #[test]
    fn sql_error_passes_on_messages_about_names_and_none_about_users_and_values() {
        let text = |code| classified(code, "marker").to_string();
        assert_eq!(text(1054), "the database refused the query: marker (error 1054)");
        for code in [1045, 1292, 1142, 1366] {
            assert!(!text(code).contains("marker"), "{code}");
        }
        assert_eq!(
            classified(1969, "").to_string(),
            "the query took longer than 3 s: read fewer rows, or ask for an index"
        );
    }
}
