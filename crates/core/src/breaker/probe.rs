//! Half-open: one delivery at a time probes whether a target has recovered.

use std::time::Duration;

use super::{Breaker, BreakerPermission, BreakerPolicy, Circuit, DeliveryResult, Opened, Transition};
use crate::clock::Timestamp;
use crate::message::MessageId;

/// How long beyond its request's timeout a probe holds its turn: its process may have died.
pub const PROBE_LEASE: Duration = Duration::from_secs(30);

/// Identifies a probe by the version at which it was claimed. The result of an earlier probe is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeId(pub u64);

/// A delivery under way as a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which probe.
    pub id: ProbeId,
    /// The process that sends it.
    pub owner: String,
    /// The message that it sends.
    pub message: MessageId,
    /// When it counts as lost.
    pub expires_at: Timestamp,
}

impl Probe {
    /// Whether it counts as lost.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

impl Breaker {
    /// The breaker with this delivery as its probe, to be stored before the delivery is sent; `timeout` covers all of its
    /// attempts.
    ///
    /// `None` where no probe is due: see [`Breaker::permission`].
    pub fn claim_probe(
        &self,
        policy: BreakerPolicy,
        owner: &str,
        message: MessageId,
        timeout: Duration,
        now: Timestamp,
    ) -> Option<(ProbeId, Self)> {
        if self.permission(policy, now) != BreakerPermission::Probe {
            return None;
        }
        let (Circuit::Open(opened) | Circuit::HalfOpen { opened, .. }) = &self.circuit else {
            return None;
        };
        let id = ProbeId(self.version + 1);
        let probe = Probe {
            id,
            owner: owner.to_owned(),
            message,
            expires_at: now + timeout + PROBE_LEASE,
        };
        let opened = opened.clone();
        let circuit = Circuit::HalfOpen { opened, probe };
        Some((
            id,
            Self {
                circuit,
                ..self.next_version()
            },
        ))
    }

    pub(super) fn after_probe(&self, opened: &Opened, result: &DeliveryResult, now: Timestamp) -> Transition {
        let tried_at = match result {
            DeliveryResult::Delivered => return Transition::Closed(self.reset()),
            DeliveryResult::Failed(_) => now,
            // As if it had never been claimed: the next probe may be due at once.
            DeliveryResult::Inconclusive => opened.tried_at,
        };
        let opened = Opened {
            tried_at,
            ..opened.clone()
        };
        let circuit = Circuit::Open(opened);
        Transition::StillOpen(Self {
            circuit,
            ..self.next_version()
        })
    }
}
