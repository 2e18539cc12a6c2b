//! How long logs are kept, and when dead letters are retried.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::RetryPolicy;
use ig_core::id::OrgId;

use crate::live_configuration::LiveConfiguration;

/// Each organisation's settings, or the platform's.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    configuration: Arc<LiveConfiguration>,
    default_days: u32,
}

impl Retention {
    /// Organisations without a retention of their own keep logs for `default_days`.
    pub(crate) fn new(configuration: Arc<LiveConfiguration>, default_days: u32) -> Self {
        Self {
            configuration,
            default_days,
        }
    }

    /// The organisation's retry policy for dead letters.
    pub(crate) fn retry_policy(&self, org: OrgId) -> RetryPolicy {
        self.configuration.retry_policy(org).unwrap_or_default()
    }

    /// When a record made now expires.
    pub(crate) fn expires_at(&self, org: Option<OrgId>, now: Timestamp) -> Timestamp {
        now + self.keep_for(org)
    }

    /// How long finished records are kept.
    pub(crate) fn keep_for(&self, org: Option<OrgId>) -> Duration {
        let own = org.and_then(|org| self.configuration.retention_days(org));
        let days = own.unwrap_or(self.default_days);
        Duration::from_secs(u64::from(days) * 24 * 60 * 60)
    }
}
