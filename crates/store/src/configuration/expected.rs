//! What a commit takes for granted, and how it is told that this does not hold.

use ig_core::ports::StoreError;
use mongodb::error::Error;

use crate::error::store_error;

/// What the caller takes for granted about the item that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist yet.
    New,
    /// It exists, at whatever revision.
    Any,
    /// It exists and was last changed by this revision.
    Revision(u64),
}

/// Why nothing was committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The item, or the organisation that it is to belong to, does not exist.
    #[error("it does not exist")]
    NotFound,
    /// It changed since the caller read it.
    #[error("it was changed by revision {current} meanwhile")]
    Stale {
        /// The revision that changed it last.
        current: u64,
    },
    /// Something else has this value, which is to be unique, already.
    #[error("the {what} is taken")]
    Duplicate {
        /// The field by its name in the API: `orgId`, `rid`, `id` or `eventType`.
        what: &'static str,
    },
    /// The number was an organisation's that is deleted and of which something may be left.
    #[error("the number {number} is not free yet")]
    NumberHeld {
        /// The number.
        number: i64,
    },
    /// The item has more bytes than [`ig_core::configuration::LARGEST_ITEM`].
    #[error("the item has {bytes} bytes, which is too many")]
    TooLarge {
        /// How many it has as it would be stored.
        bytes: usize,
    },
    /// The organisation's items would have more bytes than [`ig_core::configuration::LARGEST_ORGANIZATION`].
    #[error("the organisation's configuration has no room for more")]
    Full,
    /// The database did not do it; with [`StoreError::Unavailable`] it may have, unseen.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What ended a transaction.
pub(super) fn refusal(error: &Error) -> CommitError {
    match error.get_custom::<CommitError>() {
        Some(refusal) => refusal.clone(),
        None => store_error(error).into(),
    }
}

impl Expected {
    /// Compares with what there is: the revision of the item, if it exists.
    pub(super) fn check(self, found: Option<u64>, what: &'static str) -> Result<(), CommitError> {
        match (self, found) {
            (Self::New, Some(_)) => Err(CommitError::Duplicate { what }),
            (Self::Any | Self::Revision(_), None) => Err(CommitError::NotFound),
            (Self::Revision(expected), Some(current)) if expected != current => Err(CommitError::Stale { current }),
            (Self::New, None) | (Self::Any | Self::Revision(_), Some(_)) => Ok(()),
        }
    }
}
