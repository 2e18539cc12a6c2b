//! Why rows were not changed.

use ig_core::id::LookupId;
use ig_core::ports::StoreError;
use mongodb::error::Error;

use crate::configuration::CommitError;
use crate::error::store_error;

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The row, the organisation or the unit does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The row changed since the caller read it.
    #[error("it was changed meanwhile and is at revision {current}")]
    Stale {
        /// The revision that it is at.
        current: u64,
    },
    /// Another active row of the table maps the value already.
    #[error("row {0} maps the value already")]
    Taken(LookupId),
    /// The table was replaced or deleted while it was written to.
    #[error("the table was replaced or deleted meanwhile")]
    Overtaken,
    /// The database did not do it; with [`StoreError::Unavailable`] it may have, unseen.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LookupError> for Error {
    fn from(error: LookupError) -> Self {
        Self::custom(error)
    }
}

/// What ended a transaction.
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
