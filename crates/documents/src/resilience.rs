//! How an integration handles a slow, failing or limited target, as clients configure it.

use ig_core::breaker::BreakerPolicy;
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::integration::{ConfiguredLimit, Hold, HoldCause};
use ig_core::window::RateLimit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Since when and why deliveries are held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldDocument {
    /// `CIRCUIT_OPEN` where the circuit breaker is open, `PAUSED` where a person has paused the integration.
    cause: String,
    /// When the hold began.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The reason in one sentence.
    reason: String,
}

impl From<Hold> for HoldDocument {
    fn from(hold: Hold) -> Self {
        let Hold { cause, since, reason } = hold;
        Self {
            cause: cause.as_str().to_owned(),
            since,
            reason,
        }
    }
}

impl HoldDocument {
    /// A hold for a resource whose document cannot be read.
    pub fn unreadable(reason: &str, since: Timestamp) -> Self {
        Self {
            cause: HoldCause::Unreadable.as_str().to_owned(),
            since,
            reason: format!("its configuration cannot be read: {reason}"),
        }
    }

    /// The hold, or what is wrong.
    pub fn into_domain(self) -> Result<Hold, Faults> {
        let Self { cause, since, reason } = self;
        let cause = HoldCause::parse(&cause).ok_or_else(|| Faults::single("/cause", "is unknown"))?;
        Ok(Hold { cause, since, reason })
    }
}

/// A limit of requests in any window of the given length.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimitsDocument {
    /// Whether the limit applies; true by default. A disabled limit keeps its numbers.
    #[serde(default = "yes")]
    enabled: bool,
    /// The number of requests, from 1 to 10,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000_000)]
    max_requests: Option<u32>,
    /// The window in seconds, from 1 to 86,400.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86400)]
    window_seconds: Option<u64>,
}

fn yes() -> bool {
    true
}

impl RateLimitsDocument {
    /// The limit, or what is missing or wrong; `None` where it is disabled and has no numbers.
    pub fn into_domain(self) -> Result<Option<ConfiguredLimit>, Faults> {
        let Self {
            enabled,
            max_requests,
            window_seconds,
        } = self;
        if !enabled && max_requests.is_none() && window_seconds.is_none() {
            return Ok(None);
        }
        let limit = RateLimit::new(max_requests.unwrap_or_default(), window_seconds.unwrap_or_default())?;
        Ok(Some(ConfiguredLimit { enabled, limit }))
    }
}

impl From<ConfiguredLimit> for RateLimitsDocument {
    fn from(ConfiguredLimit { enabled, limit }: ConfiguredLimit) -> Self {
        Self {
            enabled,
            max_requests: Some(limit.max_requests()),
            window_seconds: Some(limit.window().as_secs()),
        }
    }
}

/// How an open circuit breaker recovers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakerDocument {
    /// The seconds after which one delivery probes whether the target has recovered, from 1 to 604,800. Where absent, a person
    /// has to re-enable the integration.
    #[schema(minimum = 1, maximum = 604_800)]
    probe_after_seconds: Option<u64>,
}

impl BreakerDocument {
    /// The policy, or what is wrong.
    pub fn into_domain(self) -> Result<BreakerPolicy, Faults> {
        let Self { probe_after_seconds } = self;
        BreakerPolicy::new(probe_after_seconds)
    }

    /// The document; `None` for the default policy.
    pub(crate) fn shown(policy: BreakerPolicy) -> Option<Self> {
        let wait = policy.probe_after()?;
        Some(Self {
            probe_after_seconds: Some(wait.as_secs()),
        })
    }
}
