//! How organisations want their dead letters tried again.

use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::redelivery::RetryPolicy;

/// The policies in force.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    default: RetryPolicy,
}

impl Policies {
    /// This one for all who do not say.
    pub(crate) fn new(default: RetryPolicy) -> Self {
        Self { default }
    }

    /// An organisation's policy of today.
    pub(crate) async fn of(&self, _org: OrgId) -> Result<RetryPolicy, StoreError> {
        Ok(self.default)
    }
}
