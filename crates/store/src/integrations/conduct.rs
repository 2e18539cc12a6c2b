//! An integration's hold, rate limit and breaker policy, as stored.

use ig_core::breaker::BreakerPolicy;
use ig_core::integration::{Hold, HoldCause, SetLimit};
use ig_core::ports::StoreError;
use ig_core::window::RateLimit;
use mongodb::bson;
use serde::{Deserialize, Serialize};

use crate::error::unreadable;
use crate::field::{date, long, timestamp, unsigned};

/// Why deliveries are held.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HoldDocument {
    cause: String,
    since: bson::DateTime,
    reason: String,
}

impl From<&Hold> for HoldDocument {
    fn from(hold: &Hold) -> Self {
        let Hold { cause, since, reason } = hold;
        Self {
            cause: cause.as_str().to_owned(),
            since: date(*since),
            reason: reason.clone(),
        }
    }
}

impl HoldDocument {
    /// The hold of an item that cannot be decoded.
    pub(crate) fn unreadable(reason: &str, since: bson::DateTime) -> Self {
        Self {
            cause: HoldCause::Unreadable.as_str().to_owned(),
            since,
            reason: format!("its configuration cannot be read: {reason}"),
        }
    }

    pub(crate) fn read(self) -> Result<Hold, StoreError> {
        Ok(Hold {
            cause: HoldCause::parse(&self.cause).ok_or_else(|| unreadable("hold.cause"))?,
            since: timestamp(self.since),
            reason: self.reason,
        })
    }
}

/// How many deliveries a window admits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimitDocument {
    enabled: bool,
    max_requests: i64,
    window_seconds: i64,
}

impl From<SetLimit> for RateLimitDocument {
    fn from(SetLimit { enabled, limit }: SetLimit) -> Self {
        Self {
            enabled,
            max_requests: i64::from(limit.max_requests()),
            window_seconds: long(limit.window().as_secs()),
        }
    }
}

impl RateLimitDocument {
    pub(crate) fn read(self) -> Result<SetLimit, StoreError> {
        let most = u32::try_from(self.max_requests).map_err(|_| unreadable("rateLimits.maxRequests"))?;
        let limit = RateLimit::new(most, unsigned(self.window_seconds));
        Ok(SetLimit {
            enabled: self.enabled,
            limit: limit.map_err(|_| unreadable("rateLimits"))?,
        })
    }
}

pub(crate) fn read_breaker(probe_after_seconds: Option<i64>) -> Result<BreakerPolicy, StoreError> {
    BreakerPolicy::new(probe_after_seconds.map(unsigned)).map_err(|_| unreadable("probeAfterSeconds"))
}
