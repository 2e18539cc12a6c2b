//! The kinds of error, on the wire.

use ig_core::error_kind::ErrorKind;
use tonic::{Code, Status};

use crate::invalid::InvalidMessage;

/// An answer of this kind; the message is for the caller to read.
pub fn status(kind: ErrorKind, message: impl Into<String>) -> Status {
    Status::new(code(kind), message)
}

/// The answer of an rpc that the contract has and this version does not serve yet.
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

/// The kind of an answer that another service gave.
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
        // A call that was cut off may be made again.
        Code::Unavailable | Code::Cancelled => ErrorKind::Unavailable,
        Code::DeadlineExceeded => ErrorKind::TimedOut,
        Code::Unimplemented => ErrorKind::NotServed,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => ErrorKind::Internal,
    }
}

/// Why a worker did not carry an order out, as far as whoever gave it has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRefusal {
    /// It knows no such integration, or no such action of it.
    Unknown,
    /// None will ever carry it out, for this reason.
    Never(String),
    /// None can be reached, or it cannot carry the order out now; whether something was sent is not known.
    Away,
}

impl From<&Status> for OrderRefusal {
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
    fn every_kind_comes_back_from_the_wire_as_it_went() {
        for kind in ErrorKind::ALL {
            assert_eq!(kind_of(&status(*kind, "")), *kind, "{kind:?}");
        }
    }
}
