//! How long what is written down is kept, and when what failed is tried again.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::redelivery::RetryPolicy;

use crate::compiled::LiveConfiguration;

/// Each organisation's own time, or the platform's.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    configuration: Arc<LiveConfiguration>,
    default_days: u32,
}

impl Retention {
    /// Organisations that do not say keep logs for `default_days`.
    pub(crate) fn new(configuration: Arc<LiveConfiguration>, default_days: u32) -> Self {
        Self {
            configuration,
            default_days,
        }
    }

    /// How an organisation wants its dead letters tried again.
    pub(crate) fn retry_policy(&self, org: OrgId) -> RetryPolicy {
        self.configuration.retry_policy(org).unwrap_or_default()
    }

    /// When something that happened now may be forgotten.
    pub(crate) fn expires(&self, org: Option<OrgId>, now: Timestamp) -> Timestamp {
        now + self.keep_for(org)
    }

    /// How long what has ended is kept.
    pub(crate) fn keep_for(&self, org: Option<OrgId>) -> Duration {
        let own = org.and_then(|org| self.configuration.retention_days(org));
        let days = own.unwrap_or(self.default_days);
        Duration::from_secs(u64::from(days) * 24 * 60 * 60)
    }
}
