//! The retry policies of organisations.

use std::collections::HashMap;
use std::time::Duration;

use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_store::{MaybeReadable, Organizations};
use parking_lot::Mutex;
use tokio::time::Instant;

/// A change of a policy applies after this long.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The policies in force, cached for a second.
#[derive(Debug)]
pub(crate) struct PolicyCache {
    organizations: Organizations,
    default: RetryPolicy,
    cache: Mutex<HashMap<OrgId, (Instant, RetryPolicy)>>,
}

impl PolicyCache {
    /// The policies of the organisations, with a default for those without one.
    pub(crate) fn new(organizations: Organizations, default: RetryPolicy) -> Self {
        Self {
            organizations,
            default,
            cache: Mutex::default(),
        }
    }

    /// An organisation's policy.
    pub(crate) async fn get(&self, org: OrgId) -> Result<RetryPolicy, StoreError> {
        if let Some(policy) = self.cached(org) {
            return Ok(policy);
        }
        let found = self.organizations.find(org, org).await?.and_then(MaybeReadable::readable);
        let policy = found.and_then(|found| found.retry_policy).unwrap_or(self.default);
        self.cache.lock().insert(org, (Instant::now(), policy));
        Ok(policy)
    }

    fn cached(&self, org: OrgId) -> Option<RetryPolicy> {
        let mut cache = self.cache.lock();
        cache.retain(|_, (read, _)| read.elapsed() < MAX_AGE);
        cache.get(&org).map(|(_, policy)| *policy)
    }
}
