//! The one place that maps the driver's errors to the domain's.

use ig_core::ports::StoreError;
use mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, WriteFailure};

/// The server's code for a violation of a unique index.
pub(crate) const DUPLICATE_KEY: i32 = 11000;

/// Codes of temporary failures: not primary, shutting down, interrupted, out of time or space, write conflict. Source:
/// <https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml>.
const PASSING: [i32; 23] = [
    6, 7, 24, 43, 50, 64, 89, 91, 112, 133, 134, 189, 202, 246, 251, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031,
];

/// Maps a driver error; `Unavailable` means that a retry may succeed.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let text = error.kind.to_string();
    if is_passing(error) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Refused(text)
    }
}

fn is_passing(error: &Error) -> bool {
    let labelled = error.contains_label(RETRYABLE_WRITE_ERROR) || error.contains_label(TRANSIENT_TRANSACTION_ERROR);
    labelled || kind_is_passing(&error.kind)
}

fn kind_is_passing(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::InvalidResponse { .. }
        | ErrorKind::Transaction { .. }
        | ErrorKind::Shutdown
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        ErrorKind::Command(command) => PASSING.contains(&command.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => PASSING.contains(&error.code),
        ErrorKind::InsertMany(many) => many.write_errors.iter().flatten().all(|error| PASSING.contains(&error.code)),
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::BsonDeserialization(_)
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::Bson(_)
        | ErrorKind::BulkWrite(_)
        | ErrorKind::GridFs(_)
        | ErrorKind::Internal { .. }
        | ErrorKind::SessionsNotSupported
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::MissingResumeToken
        | ErrorKind::Custom(_)
        | _ => false,
    }
}

/// Whether a write violated a unique index.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        ErrorKind::InsertMany(many) => many.write_errors.iter().flatten().any(|error| error.code == DUPLICATE_KEY),
        _ => false,
    }
}

/// The error for a stored value that no version of this program wrote.
pub(crate) fn unreadable(field: &'static str) -> StoreError {
    StoreError::Refused(format!("a stored document's {field} cannot be understood"))
}
