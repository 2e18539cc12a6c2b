//! An integration's hold, rate limit and breaker policy.

use ig_core::breaker::BreakerPolicy;
use ig_core::integration::{ConfiguredLimit, Hold, HoldCause};
use ig_core::window::RateLimit;

use crate::invalid::{InvalidMessage, Within as _};
use crate::time::{timestamp_from_wire, timestamp_to_wire};
use crate::v1;

impl From<&Hold> for v1::Hold {
    fn from(hold: &Hold) -> Self {
        let Hold { cause, since, reason } = hold;
        let cause = match cause {
            HoldCause::CircuitOpen => v1::HoldCause::CircuitOpen,
            // The receiver treats both alike; the reason tells them apart.
            HoldCause::Paused | HoldCause::Unreadable => v1::HoldCause::Paused,
        };
        Self {
            cause: cause.into(),
            since: Some(timestamp_to_wire(since)),
            reason: reason.clone(),
        }
    }
}

impl TryFrom<v1::Hold> for Hold {
    type Error = InvalidMessage;

    fn try_from(message: v1::Hold) -> Result<Self, InvalidMessage> {
        let v1::Hold { cause, since, reason } = message;
        Ok(Self {
            cause: cause_from_wire(cause).within("cause")?,
            since: timestamp_from_wire(since, "since")?,
            reason,
        })
    }
}

fn cause_from_wire(cause: i32) -> Result<HoldCause, InvalidMessage> {
    match v1::HoldCause::try_from(cause) {
        Ok(v1::HoldCause::CircuitOpen) => Ok(HoldCause::CircuitOpen),
        Ok(v1::HoldCause::Paused) => Ok(HoldCause::Paused),
        Ok(v1::HoldCause::Unspecified) | Err(_) => Err(InvalidMessage::value("must be CIRCUIT_OPEN or PAUSED")),
    }
}

pub(crate) fn limit_to_wire(ConfiguredLimit { enabled, limit }: ConfiguredLimit) -> v1::RateLimit {
    v1::RateLimit {
        max_requests: limit.max_requests(),
        window_seconds: limit.window().as_secs(),
        is_off: !enabled,
    }
}

pub(crate) fn limit_from_wire(message: v1::RateLimit) -> Result<ConfiguredLimit, InvalidMessage> {
    let v1::RateLimit {
        max_requests,
        window_seconds,
        is_off,
    } = message;
    Ok(ConfiguredLimit {
        enabled: !is_off,
        limit: RateLimit::new(max_requests, window_seconds)?,
    })
}

pub(crate) fn breaker_from_wire(probe_after_seconds: Option<u64>) -> Result<BreakerPolicy, InvalidMessage> {
    Ok(BreakerPolicy::new(probe_after_seconds)?)
}
