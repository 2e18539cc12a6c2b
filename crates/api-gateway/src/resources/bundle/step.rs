//! One planned change.

use futures::future::BoxFuture;

use crate::document::PlannedChange;
use crate::error::ApiError;

/// A planned change, with the future that makes it.
pub(super) struct Step<'a> {
    /// The change as clients read it.
    pub change: PlannedChange,
    /// A hash of the change's whole content, secrets included, and of the revision that it starts from.
    pub digest: Vec<u8>,
    /// Makes the change.
    pub apply: BoxFuture<'a, Result<(), ApiError>>,
}
