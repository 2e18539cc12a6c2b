//! Limits on failed logins, per address and per account and address, counted across all replicas.

use std::net::IpAddr;

use chrono::Utc;
use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use ig_core::window::{Grant, LeaseRequest, RateLimit, RateWindows as _, UnusedGrant, WindowKey, subscriber_of};
use ig_store::{KeyHash, Store};

use crate::config::AuthConfig;
use crate::error::ApiError;

/// The window in which failures count, in seconds.
const WINDOW_SECONDS: u64 = 900;

/// Counts an attempt before it is made and returns it on success, so parallel guesses gain nothing over sequential ones.
#[derive(Debug)]
pub(super) struct LoginLimiter {
    store: Store,
    per_account: Option<RateLimit>,
    per_address: Option<RateLimit>,
}

/// A counted attempt.
pub(super) struct LoginAttempt(Vec<(WindowKey, RateLimit, Grant)>);

impl LoginLimiter {
    /// Takes the limits from the configuration; 0 turns a limit off.
    pub(super) fn new(store: Store, config: &AuthConfig) -> Self {
        let limit = |max_requests| RateLimit::new(max_requests, WINDOW_SECONDS).ok();
        Self {
            store,
            per_account: limit(config.failed_logins_per_account),
            per_address: limit(config.failed_logins_per_address),
        }
    }

    /// Counts an attempt, or refuses it.
    pub(super) async fn begin_attempt(&self, email: &str, from: IpAddr) -> Result<LoginAttempt, ApiError> {
        let account = KeyHash::of(&email.trim().to_lowercase()).to_string();
        let from = subscriber_of(from);
        let limits = [
            self.per_address.map(|limit| (WindowKey::LoginsFrom(from), limit)),
            self.per_account.map(|limit| (WindowKey::LoginsTo(account, from), limit)),
        ];
        let mut attempt = LoginAttempt(Vec::new());
        for (key, limit) in limits.into_iter().flatten() {
            let now = Utc::now();
            let grant = self.lease(&key, limit, None, now).await?;
            if grant.requests == 0 {
                self.refund(attempt).await;
                return Err(ApiError::rate_limited("Too many logins have failed", grant.free_at, now));
            }
            attempt.0.push((key, limit, grant));
        }
        Ok(attempt)
    }

    /// Returns an attempt to the window. If that fails, the attempt counts as failed, which is the safe side.
    pub(super) async fn refund(&self, attempt: LoginAttempt) {
        for (key, limit, grant) in attempt.0 {
            let unused = UnusedGrant {
                slice: grant.slice,
                requests: grant.requests,
            };
            let _ = self.lease(&key, limit, Some(unused), Utc::now()).await;
        }
    }

    async fn lease(
        &self,
        key: &WindowKey,
        limit: RateLimit,
        unused: Option<UnusedGrant>,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        let request = LeaseRequest {
            wanted: u32::from(unused.is_none()),
            unused,
        };
        self.store.rate_windows().lease(key, &limit, request, now).await
    }
}
