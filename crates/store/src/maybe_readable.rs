//! Configured items as found: an item that cannot be decoded still exists, so that people can see, replace and delete it.

use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;

/// An existing configured item.
#[derive(Debug, Clone, PartialEq)]
pub enum MaybeReadable<T> {
    /// It was decoded.
    Readable(T),
    /// It cannot be decoded.
    Unreadable(Unreadable),
}

/// A configured item that cannot be decoded, such as one whose secrets are sealed under a lost key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its identifier.
    pub id: String,
    /// Its name, for people to read.
    pub name: String,
    /// The revision that last changed it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Why it cannot be decoded.
    pub reason: String,
}

impl<T> MaybeReadable<T> {
    /// The decoded item, or what is known of it without decoding its secrets.
    pub(crate) fn of(stands: Unreadable, read: Result<T, StoreError>) -> Result<Self, StoreError> {
        match read {
            Ok(item) => Ok(Self::Readable(item)),
            Err(StoreError::Refused(reason)) => Ok(Self::Unreadable(Unreadable { reason, ..stands })),
            Err(away @ StoreError::Unavailable(_)) => Err(away),
        }
    }

    /// The item, if it was decoded.
    pub fn readable(self) -> Option<T> {
        match self {
            Self::Readable(item) => Some(item),
            Self::Unreadable(_) => None,
        }
    }
}
