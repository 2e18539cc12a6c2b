//! Errors of changes to rows.

use ig_core::id::LookupId;
use ig_core::ports::StoreError;
use mongodb::error::Error;

use crate::configuration::CommitError;
use crate::error::store_error;

/// Why a change failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The row, the organisation or the unit does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The row changed since the caller read it.
    #[error("it was changed meanwhile and is at revision {current}")]
    Stale {
        /// Its current revision.
        current: u64,
    },
    /// Another active row of the table already maps the value.
    #[error("row {0} maps the value already")]
    Taken(LookupId),
    /// The table was replaced or deleted during the write.
    #[error("the table was replaced or deleted meanwhile")]
    Conflict,
    /// The database failed; with [`StoreError::Unavailable`] the change may have happened all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LookupError> for Error {
    fn from(error: LookupError) -> Self {
        Self::custom(error)
    }
}

/// Extracts the refusal from the error that ended a transaction.
pub(super) fn refusal(error: &Error) -> LookupError {
    if let Some(refusal) = error.get_custom::<LookupError>() {
        return refusal.clone();
    }
    match error.get_custom::<CommitError>() {
        Some(CommitError::NotFound) => LookupError::NotFound,
        Some(CommitError::Stale { current }) => LookupError::Stale { current: *current },
        Some(CommitError::Store(error)) => error.clone().into(),
        Some(
            CommitError::Duplicate { .. } | CommitError::NumberHeld { .. } | CommitError::TooLarge { .. } | CommitError::Full,
        )
        | None => store_error(error).into(),
    }
}
