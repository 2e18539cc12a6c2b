//! Half-open: one delivery at a time finds out whether a target has recovered.

use std::time::Duration;

use super::{Admission, Breaker, BreakerPolicy, Circuit, Ended, Opened, Transition};
use crate::clock::Timestamp;
use crate::message::MessageId;

/// How long a probe may take before another is sent, beyond the time that its request may take: its process may have died.
pub const PROBE_LEASE: Duration = Duration::from_secs(30);

/// Which probe: the version that it was claimed at. What comes of an earlier one is not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeId(pub u64);

/// A delivery that is under way as a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Which probe.
    pub id: ProbeId,
    /// The process that sends it.
    pub owner: String,
    /// What it sends.
    pub message: MessageId,
    /// From when on it is taken for lost.
    pub expires_at: Timestamp,
}

impl Probe {
    /// Whether it is taken for lost.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

impl Breaker {
    /// The breaker with this delivery as its probe, to be stored before it is sent; `timeout` is the whole time that its attempts may take.
    ///
    /// Nothing where no probe is due: see [`Breaker::admit`].
    pub fn claim_probe(
        &self,
        policy: BreakerPolicy,
        owner: &str,
        message: MessageId,
        timeout: Duration,
        now: Timestamp,
    ) -> Option<(ProbeId, Self)> {
        if self.admit(policy, now) != Admission::Probe {
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
        Some((id, Self { circuit, ..self.next() }))
    }

    pub(super) fn probed(&self, opened: &Opened, ended: &Ended, now: Timestamp) -> Transition {
        let tried_at = match ended {
            Ended::Delivered => return Transition::Closed(self.enabled()),
            Ended::Failed(_) => now,
            // It was as if it had never been claimed: the next may be due at once.
            Ended::Untold => opened.tried_at,
        };
        let opened = Opened {
            tried_at,
            ..opened.clone()
        };
        let circuit = Circuit::Open(opened);
        Transition::StillOpen(Self { circuit, ..self.next() })
    }
}
