//! Error kinds on the wire.

use ig_core::error_kind::ErrorKind;
use tonic::{Code, Status};

use crate::invalid::InvalidMessage;

/// A status of this kind; the message is for the caller to read.
pub fn status(kind: ErrorKind, message: impl Into<String>) -> Status {
    Status::new(code(kind), message)
}

/// The status for an rpc that is in the contract but not served by this version.
pub fn not_served(rpc: &str) -> Status {
    status(ErrorKind::NotServed, format!("{rpc} is not served by this version yet"))
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Invalid => Code::InvalidArgument,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::Forbidden => Code::PermissionDenied,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::Conflict => Code::AlreadyExists,
        ErrorKind::Stale => Code::Aborted,
        ErrorKind::TooLarge => Code::OutOfRange,
        ErrorKind::RateLimited => Code::ResourceExhausted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::NotServed => Code::Unimplemented,
        ErrorKind::Internal => Code::Internal,
    }
}

/// The error kind of another service's status.
pub fn kind_of(status: &Status) -> ErrorKind {
    match status.code() {
        Code::InvalidArgument => ErrorKind::Invalid,
        Code::Unauthenticated => ErrorKind::Unauthenticated,
        Code::PermissionDenied => ErrorKind::Forbidden,
        Code::NotFound => ErrorKind::NotFound,
        Code::AlreadyExists => ErrorKind::Conflict,
        Code::Aborted | Code::FailedPrecondition => ErrorKind::Stale,
        Code::OutOfRange => ErrorKind::TooLarge,
        Code::ResourceExhausted => ErrorKind::RateLimited,
        // A cancelled call may be repeated.
        Code::Unavailable | Code::Cancelled => ErrorKind::Unavailable,
        Code::DeadlineExceeded => ErrorKind::TimedOut,
        Code::Unimplemented => ErrorKind::NotServed,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => ErrorKind::Internal,
    }
}

/// Why a worker did not execute a command, as far as its sender needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandRefusal {
    /// The worker does not know the integration, or has no such action of it.
    Unknown,
    /// No worker will ever execute it, for this reason.
    Never(String),
    /// No worker can be reached or execute it now; a request may have been sent.
    Away,
}

impl From<&Status> for CommandRefusal {
    fn from(status: &Status) -> Self {
        match kind_of(status) {
            ErrorKind::NotFound => Self::Unknown,
            ErrorKind::Invalid | ErrorKind::TooLarge => Self::Never(status.message().to_owned()),
            ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::NotServed
            | ErrorKind::Internal => Self::Away,
        }
    }
}

impl From<InvalidMessage> for Status {
    fn from(error: InvalidMessage) -> Self {
        status(ErrorKind::Invalid, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_kinds_survive_the_wire() {
        for kind in ErrorKind::ALL {
            assert_eq!(kind_of(&status(*kind, "")), *kind, "{kind:?}");
        }
    }
}
