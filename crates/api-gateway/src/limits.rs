//! Request limits per minute, per address and per organisation, shared by all replicas.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::Utc;
use http::{HeaderName, HeaderValue};
use ig_core::access::Right;
use ig_core::clock::{SystemClock, Timestamp};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::organization::RequestLimits;
use ig_core::window::{RateLimit, RateWindows, WindowKey, subscriber_of};
use ig_delivery::{LimitDecision, Limiter};

mod outage;

use crate::config::RateLimitConfig;
use crate::error::ApiError;
use crate::response_extras::ResponseExtras;
use outage::Outage;

const MINUTE_SECONDS: u64 = 60;
/// The headers of a limit: the maximum, what is left, and the seconds until there is room.
const REQUEST_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];
/// The same headers for runtime calls, by their names in the IETF draft.
const CALL_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// The limits, and this replica's leases on them.
pub(crate) struct RateLimits {
    limiter: Limiter,
    outage: Outage,
    address: Option<RateLimit>,
    management: Option<RateLimit>,
    runtime: Option<RateLimit>,
}

impl RateLimits {
    /// Takes the limits from the configuration; 0 turns a limit off.
    pub(crate) fn new(windows: impl RateWindows + 'static, config: &RateLimitConfig) -> Self {
        let limit = |max_requests| RateLimit::new(max_requests, MINUTE_SECONDS).ok();
        Self {
            limiter: Limiter::new(Arc::new(windows), Arc::new(SystemClock)),
            outage: Outage::default(),
            address: limit(config.global_per_minute),
            management: limit(config.org_per_minute),
            runtime: limit(config.org_runtime_per_minute),
        }
    }

    /// Counts a request from an address, or refuses it.
    pub(crate) async fn take_for_address(&self, address: IpAddr, extras: &ResponseExtras) -> Result<(), ApiError> {
        let Some(limit) = self.address else { return Ok(()) };
        let taken = self.take(WindowKey::Address(subscriber_of(address)), limit).await;
        let decided = Self::decide(taken, limit, "This address sends too many requests", &REQUEST_HEADERS, extras);
        decided.map_err(|(error, _)| error)
    }

    /// Counts a request for an organisation, or refuses it; `own` holds the organisation's own limits.
    pub(crate) async fn take_for_org(
        &self,
        org: OrgId,
        own: RequestLimits,
        right: Right,
        extras: &ResponseExtras,
    ) -> Result<(), ApiError> {
        let (key, limit) = match right {
            Right::Read | Right::Write => (WindowKey::Management(org), self.management(own)),
            Right::Events | Right::Runtime => (WindowKey::Runtime(org), self.runtime(own)),
        };
        let Some(limit) = limit else { return Ok(()) };
        let names = if right == Right::Runtime {
            &CALL_HEADERS
        } else {
            &REQUEST_HEADERS
        };
        let taken = self.take(key, limit).await;
        let decided = Self::decide(
            taken,
            limit,
            "Too many requests are sent for this organisation",
            names,
            extras,
        );
        decided.map_err(|(error, _)| error)
    }

    /// Counts a call against an integration's own limit, or refuses it with the time at which there is room.
    pub(crate) async fn take_for_integration(
        &self,
        org: OrgId,
        id: IntegrationId,
        limit: RateLimit,
        extras: &ResponseExtras,
    ) -> Result<(), (ApiError, Timestamp)> {
        let taken = self.take(WindowKey::Integration(org, id), limit).await;
        Self::decide(
            taken,
            limit,
            "Too many calls are made to this integration",
            &CALL_HEADERS,
            extras,
        )
    }

    /// The limit of one address.
    pub(crate) fn address(&self) -> Option<RateLimit> {
        self.address
    }

    /// The management limit of an organisation.
    pub(crate) fn management(&self, own: RequestLimits) -> Option<RateLimit> {
        own_or_default(own.management_per_minute, self.management)
    }

    /// The limit of an organisation's events and runtime calls.
    pub(crate) fn runtime(&self, own: RequestLimits) -> Option<RateLimit> {
        own_or_default(own.runtime_per_minute, self.runtime)
    }

    fn decide(
        taken: Option<LimitDecision>,
        limit: RateLimit,
        message: &str,
        names: &[HeaderName; 3],
        extras: &ResponseExtras,
    ) -> Result<(), (ApiError, Timestamp)> {
        let Some(taken) = taken else { return Ok(()) };
        let now = Utc::now();
        let seconds = (taken.free_at - now).num_seconds().max(0);
        let [limit_header, remaining, reset] = names.clone();
        extras.add_header(limit_header, HeaderValue::from(limit.max_requests()));
        extras.add_header(remaining, HeaderValue::from(taken.remaining));
        extras.add_header(reset, HeaderValue::from(seconds));
        if taken.is_full {
            return Err((ApiError::rate_limited(message, taken.free_at, now), taken.free_at));
        }
        Ok(())
    }

    /// Counts against a window. Returns none while the windows do not answer, and for a while after: the handler itself reports a missing
    /// database, and everything else is served uncounted rather than not at all.
    async fn take(&self, key: WindowKey, limit: RateLimit) -> Option<LimitDecision> {
        if self.outage.is_ongoing() {
            return None;
        }
        match self.limiter.take(&key, limit).await {
            Ok(taken) => {
                self.outage.end();
                Some(taken)
            }
            Err(error) => {
                self.outage.record_uncounted(&error);
                None
            }
        }
    }
}

fn own_or_default(own: Option<u32>, fallback: Option<RateLimit>) -> Option<RateLimit> {
    match own {
        Some(max_requests) => RateLimit::new(max_requests, MINUTE_SECONDS).ok(),
        None => fallback,
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits")
            .field("address", &self.address)
            .field("management", &self.management)
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}
