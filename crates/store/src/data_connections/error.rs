//! Errors of changes to connections.

use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::error::Error;

use crate::error::{is_duplicate, store_error};

/// Why a change failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The connection does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The connection changed since the caller read it.
    #[error("it was changed meanwhile and is at revision {current}")]
    Stale {
        /// Its current revision.
        current: u64,
    },
    /// Another connection has this name.
    #[error("the name is taken")]
    Taken,
    /// These organisations, to which it would be granted, do not exist.
    #[error("it is granted to organisations that do not exist: {0:?}")]
    UnknownOrgs(Vec<OrgId>),
    /// Other connections are the default of these organisations; each is given with the name of that connection.
    #[error("other connections are the default already: {0:?}")]
    DefaultTaken(Vec<(OrgId, String)>),
    /// There are as many connections as there may be, or all together are as large as they may be.
    #[error("there is no room for more connections")]
    Full,
    /// The database failed; with [`StoreError::Unavailable`] the change may have happened all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Self::custom(error)
    }
}

/// Extracts the refusal from the error that ended a transaction.
pub(super) fn refusal(error: &Error) -> ConnectionError {
    match error.get_custom::<ConnectionError>() {
        Some(refusal) => refusal.clone(),
        None if is_duplicate(error) => ConnectionError::Taken,
        None => store_error(error).into(),
    }
}
