//! Configured items as they are found: one that cannot be read is there all the same, to be seen, replaced and deleted.

use ig_core::clock::Timestamp;
use ig_core::id::IntegrationId;
use ig_core::ports::StoreError;

/// A configured item that is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<T> {
    /// It says what it says.
    Readable(T),
    /// It cannot be read.
    Unreadable(Unreadable),
}

/// A configured item that cannot be read, such as one whose secrets are sealed under a key that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its identifier.
    pub id: IntegrationId,
    /// Its name, for people.
    pub name: String,
    /// The revision that it was last changed by.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why it cannot be read.
    pub reason: String,
}

impl<T> Found<T> {
    /// What was read, or of what it could not be.
    pub(crate) fn of(stands: Unreadable, read: Result<T, StoreError>) -> Result<Self, StoreError> {
        match read {
            Ok(item) => Ok(Self::Readable(item)),
            Err(StoreError::Refused(reason)) => Ok(Self::Unreadable(Unreadable { reason, ..stands })),
            Err(away @ StoreError::Unavailable(_)) => Err(away),
        }
    }

    /// The item, where it can be read.
    pub fn readable(self) -> Option<T> {
        match self {
            Self::Readable(item) => Some(item),
            Self::Unreadable(_) => None,
        }
    }
}
