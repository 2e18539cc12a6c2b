//! How organisations want their dead letters tried again.

use std::collections::HashMap;
use std::time::Duration;

use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::redelivery::RetryPolicy;
use ig_store::Organizations;
use parking_lot::Mutex;
use tokio::time::Instant;

/// A change is in force after this long.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The policies in force, read again every second while they are needed.
#[derive(Debug)]
pub(crate) struct Policies {
    organizations: Organizations,
    default: RetryPolicy,
    known: Mutex<HashMap<OrgId, (Instant, RetryPolicy)>>,
}

impl Policies {
    /// What the organisations say, and this for all who do not.
    pub(crate) fn new(organizations: Organizations, default: RetryPolicy) -> Self {
        Self {
            organizations,
            default,
            known: Mutex::default(),
        }
    }

    /// An organisation's policy of today.
    pub(crate) async fn of(&self, org: OrgId) -> Result<RetryPolicy, StoreError> {
        if let Some(policy) = self.remembered(org) {
            return Ok(policy);
        }
        let found = self.organizations.get(org).await?;
        let policy = found.and_then(|found| found.retry_policy).unwrap_or(self.default);
        self.known.lock().insert(org, (Instant::now(), policy));
        Ok(policy)
    }

    fn remembered(&self, org: OrgId) -> Option<RetryPolicy> {
        let mut known = self.known.lock();
        known.retain(|_, (read, _)| read.elapsed() < REMEMBERED);
        known.get(&org).map(|(_, policy)| *policy)
    }
}
