//! The circuit breaker: when an integration's deliveries are held instead of sent.
//!
//! A breaker counts **deliveries** that fail in a row, each message once: a retry of a counted message does not count again.
//! Five failures open it; from then on matched deliveries are held, not dropped. A person closes it by enabling the
//! integration, or a successful probe does.
//!
//! Several processes share one stored breaker. Each reads it, computes the transition here, and stores it under the
//! condition that [`Breaker::version`] has not changed; the loser of a race reads again and recomputes. A success while nothing
//! is counted writes nothing, so a healthy integration costs nothing.
//!
//! The state is bounded: the current streak of failures (at most [`FAILURE_THRESHOLD`]) and the last [`MAX_RECENTLY_COUNTED`]
//! counted messages, 16 bytes each.

use std::collections::VecDeque;

use crate::clock::Timestamp;
use crate::message::MessageId;

mod policy;
mod probe;
#[cfg(test)]
mod tests;

pub use policy::BreakerPolicy;
pub use probe::{PROBE_LEASE, Probe, ProbeId};

/// How many deliveries in a row fail before the breaker opens.
pub const FAILURE_THRESHOLD: usize = 5;
/// How many counted messages are remembered.
pub const MAX_RECENTLY_COUNTED: usize = 64;

/// Whether an integration's deliveries are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Circuit {
    /// Deliveries are sent.
    Closed,
    /// Deliveries are held because too many failed.
    Open(Opened),
    /// Deliveries are held except for one probe, which finds out whether the target has recovered.
    HalfOpen {
        /// Since when and why it is open.
        opened: Opened,
        /// The probe under way.
        probe: Probe,
    },
}

/// Since when and why a breaker is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// When it opened.
    pub since: Timestamp,
    /// Why, in a sentence that a tenant may read.
    pub reason: String,
    /// When the last probe failed, or else when the breaker opened: the next probe is timed from here.
    pub tried_at: Timestamp,
}

/// A counted failure in the current streak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedFailure {
    /// The message that could not be delivered.
    pub message: MessageId,
    /// When the failure was known.
    pub at: Timestamp,
}

/// The stored state of one integration's breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Rises with every change; a write under an older one is refused.
    pub version: u64,
    /// Whether deliveries are sent.
    pub circuit: Circuit,
    /// The failures since the last success, at most [`FAILURE_THRESHOLD`].
    pub failure_streak: Vec<CountedFailure>,
    /// The latest success that processes reported, stored without a new version: failures before it are in no streak.
    pub delivered_at: Option<Timestamp>,
    /// The messages counted last, oldest first, at most [`MAX_RECENTLY_COUNTED`].
    pub recently_counted: VecDeque<MessageId>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The target accepted it.
    Delivered,
    /// Its attempts are used up, or a retry would not help; the failure in a sentence that a tenant may read.
    Failed(String),
    /// It says nothing about the target: the delivery was held, limited or skipped, or its payload could not be transformed.
    Inconclusive,
}

/// A delivery that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedDelivery {
    /// Its message.
    pub message: MessageId,
    /// How it ended.
    pub result: DeliveryResult,
    /// The probe that it was sent as, if any.
    pub probe: Option<ProbeId>,
}

/// What a finished delivery means for a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Nothing to store.
    Unchanged,
    /// Store it: one more failure in the streak, or the end of the streak.
    StreakChanged(Breaker),
    /// Store it, deactivate the integration and raise an alert: the breaker has opened.
    Opened(Breaker),
    /// Store it, activate the integration and offer a redrive of the held deliveries: a probe succeeded.
    Closed(Breaker),
    /// Store it: a probe failed, or said nothing and leaves its turn to the next.
    StillOpen(Breaker),
}

/// Whether a delivery may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPermission {
    /// Send it.
    Send,
    /// Send it if it becomes the probe: [`Breaker::claim_probe`].
    Probe,
    /// Hold it: the breaker is open, or another probe is under way.
    Hold,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            version: 0,
            circuit: Circuit::Closed,
            failure_streak: Vec::new(),
            delivered_at: None,
            recently_counted: VecDeque::new(),
        }
    }
}

impl Breaker {
    /// Whether a delivery may be sent now; without probes, an open breaker waits for a person.
    pub fn permission(&self, policy: BreakerPolicy, now: Timestamp) -> BreakerPermission {
        let probe_after = policy.probe_after();
        let open = |due: bool| {
            if due {
                BreakerPermission::Probe
            } else {
                BreakerPermission::Hold
            }
        };
        match &self.circuit {
            Circuit::Closed => BreakerPermission::Send,
            Circuit::Open(opened) => open(probe_after.is_some_and(|wait| now >= opened.tried_at + wait)),
            Circuit::HalfOpen { probe, .. } => open(probe_after.is_some() && probe.is_expired(now)),
        }
    }

    /// The transition that a finished delivery causes; `now` is when its result was known.
    pub fn transition(&self, delivery: &FinishedDelivery, now: Timestamp) -> Transition {
        match &self.circuit {
            Circuit::Closed => self.count_result(delivery, now),
            Circuit::HalfOpen { opened, probe } if delivery.probe == Some(probe.id) => {
                self.after_probe(opened, &delivery.result, now)
            }
            // Deliveries under way when it opened, and probes that took too long, decide nothing.
            Circuit::HalfOpen { .. } | Circuit::Open(_) => Transition::Unchanged,
        }
    }

    /// The transition that a reported success causes: failures before it are in no streak.
    fn after_success(&self, delivered_at: Timestamp) -> Transition {
        let later = |counted: &&CountedFailure| counted.at > delivered_at;
        let failure_streak: Vec<_> = self.failure_streak.iter().filter(later).copied().collect();
        if failure_streak.len() == self.failure_streak.len() || self.circuit != Circuit::Closed {
            return Transition::Unchanged;
        }
        Transition::StreakChanged(Self {
            failure_streak,
            ..self.next_version()
        })
    }

    /// A person enabled the integration: counting starts over.
    #[must_use]
    pub fn reset(&self) -> Self {
        Self {
            version: self.version + 1,
            ..Self::default()
        }
    }

    fn count_result(&self, delivery: &FinishedDelivery, now: Timestamp) -> Transition {
        match &delivery.result {
            DeliveryResult::Delivered => self.after_success(now),
            DeliveryResult::Inconclusive => Transition::Unchanged,
            DeliveryResult::Failed(_) if self.was_counted(delivery.message) => Transition::Unchanged,
            DeliveryResult::Failed(failure) => self.after_counted_failure(delivery.message, failure, now),
        }
    }

    fn was_counted(&self, message: MessageId) -> bool {
        self.recently_counted.contains(&message)
    }

    fn after_counted_failure(&self, message: MessageId, failure: &str, now: Timestamp) -> Transition {
        let mut next = self.next_version();
        next.failure_streak
            .retain(|counted| self.delivered_at.is_none_or(|delivered_at| counted.at > delivered_at));
        next.failure_streak.push(CountedFailure { message, at: now });
        next.recently_counted.push_back(message);
        let forgotten = next.recently_counted.len().saturating_sub(MAX_RECENTLY_COUNTED);
        next.recently_counted.drain(..forgotten);
        if next.failure_streak.len() < FAILURE_THRESHOLD {
            return Transition::StreakChanged(next);
        }
        next.circuit = Circuit::Open(Opened {
            since: now,
            reason: format!("{FAILURE_THRESHOLD} deliveries failed in a row. The last one: {failure}"),
            tried_at: now,
        });
        Transition::Opened(next)
    }

    fn next_version(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}
