//! The driver's errors in sentences for a tenant. None of them names the relay or quotes credentials.

use ig_core::job::FetchError;
use mongodb::error::{CommandError, Error, ErrorKind};

/// The server's code for an operation that exceeded its time limit.
const MAX_TIME_EXPIRED: i32 = 50;
/// Codes of temporary failures: not primary, recovering, shutting down, interrupted, out of time. Source:
/// <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>.
const PASSING: [i32; 17] = [
    6, 7, 24, 43, 64, 89, 91, 133, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436,
];
/// The server's code for credentials that it does not accept.
const AUTHENTICATION_FAILED: i32 = 18;
/// The longest message of a server that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// What a driver's error means for a fetch; `timed_out` is the error of its own time limit.
pub(super) fn fetch_error(error: &Error, timed_out: FetchError) -> FetchError {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => command_error(command, timed_out),
        ErrorKind::Authentication { .. } => refused_credentials(),
        ErrorKind::Bson(_) | ErrorKind::BsonSerialization(_) | ErrorKind::InvalidArgument { .. } => {
            FetchError::Refused("The pipeline cannot be sent to the database.".to_owned())
        }
        ErrorKind::SessionsNotSupported | ErrorKind::IncompatibleServer { .. } => {
            FetchError::Refused("The database is older than MongoDB 4.2.".to_owned())
        }
        ErrorKind::InvalidResponse { .. } | ErrorKind::BsonDeserialization(_) => {
            FetchError::Unavailable("The database gave an answer that cannot be read.".to_owned())
        }
        _ => FetchError::Unavailable("The connection to the database failed.".to_owned()),
    }
}

fn command_error(command: &CommandError, timed_out: FetchError) -> FetchError {
    if command.code == MAX_TIME_EXPIRED {
        return timed_out;
    }
    if command.code == AUTHENTICATION_FAILED {
        return refused_credentials();
    }
    let message: String = command.message.chars().take(MAX_MESSAGE_CHARS).collect();
    let text = format!("The database answers with error {}: {message}", command.code);
    if PASSING.contains(&command.code) {
        FetchError::Unavailable(text)
    } else {
        FetchError::Refused(text)
    }
}

fn refused_credentials() -> FetchError {
    FetchError::Refused("The database does not accept the user name and password.".to_owned())
}
