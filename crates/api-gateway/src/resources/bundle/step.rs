//! One change that is planned and not made yet.

use futures::future::BoxFuture;

use crate::document::PlannedChange;
use crate::error::ApiError;

/// A change, with what makes it.
pub(super) struct Step<'a> {
    /// What it is.
    pub change: PlannedChange,
    /// A hash of all that it says, secrets included, and of the revision that it begins from.
    pub digest: Vec<u8>,
    /// Makes it.
    pub make: BoxFuture<'a, Result<(), ApiError>>,
}
