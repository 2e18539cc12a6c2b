//! What a commit presumes of its item, and the errors when that does not hold.

use ig_core::ports::StoreError;
use mongodb::error::Error;

use crate::error::store_error;

/// What the caller presumes of the item that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist yet.
    New,
    /// It exists, at any revision.
    Any,
    /// It exists and was last changed by this revision.
    Revision(u64),
}

/// Why a commit failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The item, or the organisation that it would belong to, does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The item changed since the caller read it.
    #[error("it was changed by revision {current} meanwhile")]
    Stale {
        /// The revision that changed it last.
        current: u64,
    },
    /// Another item already has this value, which must be unique.
    #[error("the {what} is taken")]
    Duplicate {
        /// The field by its name in the API: `orgId`, `rid`, `id` or `eventType`.
        what: &'static str,
    },
    /// The number belonged to a deleted organisation of which data may remain.
    #[error("the number {number} is not free yet")]
    NumberHeld {
        /// The number.
        number: i64,
    },
    /// The item has more bytes than [`ig_core::configuration::MAX_ITEM_BYTES`].
    #[error("the item has {bytes} bytes, which is too many")]
    TooLarge {
        /// Its size as stored.
        bytes: usize,
    },
    /// The organisation's items would exceed [`ig_core::configuration::MAX_ORGANIZATION_BYTES`] bytes together.
    #[error("the organisation's configuration has no room for more")]
    Full,
    /// The database failed; with [`StoreError::Unavailable`] the commit may have happened all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Extracts the refusal from the error that ended a transaction.
pub(super) fn commit_error(error: &Error) -> CommitError {
    match error.get_custom::<CommitError>() {
        Some(refusal) => refusal.clone(),
        None => store_error(error).into(),
    }
}

impl Expected {
    /// Checks the expectation against the item's current revision, if the item exists.
    pub(super) fn check(self, found: Option<u64>, what: &'static str) -> Result<(), CommitError> {
        match (self, found) {
            (Self::New, Some(_)) => Err(CommitError::Duplicate { what }),
            (Self::Any | Self::Revision(_), None) => Err(CommitError::NotFound),
            (Self::Revision(expected), Some(current)) if expected != current => Err(CommitError::Stale { current }),
            (Self::New, None) | (Self::Any | Self::Revision(_), Some(_)) => Ok(()),
        }
    }
}
