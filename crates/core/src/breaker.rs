//! The circuit breaker: when an integration's deliveries are held instead of sent.
//!
//! A breaker counts **deliveries** that failed one after the other, each message once: a retry of a message that was counted does not
//! count again. Five of them open it; what matches then is held, not dropped. A person enables it again, or a probe that succeeds does.
//!
//! Several processes act on one stored breaker. Each reads it, asks this law what follows, and stores the answer under the condition
//! that [`Breaker::version`] is still the one that it read; who loses reads again and asks again. Deliveries that succeed while
//! nothing is counted lead to no write, so a healthy integration costs nothing.
//!
//! What it remembers is bounded: the failures of the present row (at most [`THRESHOLD`]) and the last [`REMEMBERED`] messages that
//! were counted, 16 bytes each.

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
pub const THRESHOLD: usize = 5;
/// How many messages are remembered as counted.
pub const REMEMBERED: usize = 64;

/// Whether an integration's deliveries are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Circuit {
    /// They are.
    Closed,
    /// They are held since too many failed.
    Open(Opened),
    /// They are held but for one, which finds out whether the target has recovered.
    HalfOpen {
        /// Since when and why it is open.
        opened: Opened,
        /// The one that is sent.
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
    /// The last probe that failed, or the opening: the next probe is counted from here.
    pub tried_at: Timestamp,
}

/// A failure that counts, in the present row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The message that could not be delivered.
    pub message: MessageId,
    /// When that was known.
    pub at: Timestamp,
}

/// What is stored of one integration's breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Rises with every change; a write under an older one is refused.
    pub version: u64,
    /// Whether deliveries are sent.
    pub circuit: Circuit,
    /// The failures since the last success, at most [`THRESHOLD`].
    pub row: Vec<Counted>,
    /// The last success that processes have told of, beside the version: what failed before it is in no row.
    pub delivered_at: Option<Timestamp>,
    /// The messages that were counted last, oldest first, at most [`REMEMBERED`].
    pub remembered: VecDeque<MessageId>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The target took it.
    Delivered,
    /// Its attempts are used up, or trying again would not help; the failure in a sentence that a tenant may read.
    Failed(String),
    /// It says nothing about the target: nothing was sent, or the payload could not be given its shape.
    Untold,
}

/// A delivery that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its message.
    pub message: MessageId,
    /// How it ended.
    pub ended: Ended,
    /// The probe that it was sent as, if it was one.
    pub probe: Option<ProbeId>,
}

/// What an outcome means for a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Nothing: there is nothing to store.
    Unchanged,
    /// One more in the row, or the row is over: to be stored.
    Counted(Breaker),
    /// It has opened: to be stored, the integration set inactive, and an alert raised.
    Opened(Breaker),
    /// A probe succeeded: to be stored, the integration set active, and what was held offered for redrive.
    Closed(Breaker),
    /// A probe failed, or told nothing and leaves its turn to the next: to be stored.
    StillOpen(Breaker),
}

/// Whether a delivery may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Send,
    /// It may if it becomes the probe: [`Breaker::claim_probe`].
    Probe,
    /// It is to be held: the breaker is open, or somebody else's probe is under way.
    Hold,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            version: 0,
            circuit: Circuit::Closed,
            row: Vec::new(),
            delivered_at: None,
            remembered: VecDeque::new(),
        }
    }
}

impl Breaker {
    /// Whether a delivery may be sent now; without probes an open breaker waits for a person.
    pub fn admit(&self, policy: BreakerPolicy, now: Timestamp) -> Admission {
        let probe_after = policy.probe_after();
        let open = |due: bool| if due { Admission::Probe } else { Admission::Hold };
        match &self.circuit {
            Circuit::Closed => Admission::Send,
            Circuit::Open(opened) => open(probe_after.is_some_and(|wait| now >= opened.tried_at + wait)),
            Circuit::HalfOpen { probe, .. } => open(probe_after.is_some() && probe.is_over(now)),
        }
    }

    /// What a delivery's end means; `now` is when it was known.
    pub fn after(&self, outcome: &Outcome, now: Timestamp) -> Transition {
        match &self.circuit {
            Circuit::Closed => self.count(outcome, now),
            Circuit::HalfOpen { opened, probe } if outcome.probe == Some(probe.id) => self.probed(opened, &outcome.ended, now),
            // What was under way when it opened, and probes that took too long, decide nothing.
            Circuit::HalfOpen { .. } | Circuit::Open(_) => Transition::Unchanged,
        }
    }

    /// What a success at a moment means: the failures before it are in no row.
    fn after_success_at(&self, delivered_at: Timestamp) -> Transition {
        let later = |counted: &&Counted| counted.at > delivered_at;
        let row: Vec<_> = self.row.iter().filter(later).copied().collect();
        if row.len() == self.row.len() || self.circuit != Circuit::Closed {
            return Transition::Unchanged;
        }
        Transition::Counted(Self { row, ..self.next() })
    }

    /// A person enabled the integration: all counting begins anew.
    #[must_use]
    pub fn enabled(&self) -> Self {
        Self {
            version: self.version + 1,
            ..Self::default()
        }
    }

    fn count(&self, outcome: &Outcome, now: Timestamp) -> Transition {
        match &outcome.ended {
            Ended::Delivered => self.after_success_at(now),
            Ended::Untold => Transition::Unchanged,
            Ended::Failed(_) if self.was_counted(outcome.message) => Transition::Unchanged,
            Ended::Failed(failure) => self.failed(outcome.message, failure, now),
        }
    }

    fn was_counted(&self, message: MessageId) -> bool {
        self.remembered.contains(&message)
    }

    fn failed(&self, message: MessageId, failure: &str, now: Timestamp) -> Transition {
        let mut next = self.next();
        next.row
            .retain(|counted| self.delivered_at.is_none_or(|delivered_at| counted.at > delivered_at));
        next.row.push(Counted { message, at: now });
        next.remembered.push_back(message);
        let forgotten = next.remembered.len().saturating_sub(REMEMBERED);
        next.remembered.drain(..forgotten);
        if next.row.len() < THRESHOLD {
            return Transition::Counted(next);
        }
        next.circuit = Circuit::Open(Opened {
            since: now,
            reason: format!("{THRESHOLD} deliveries failed in a row. The last one: {failure}"),
            tried_at: now,
        });
        Transition::Opened(next)
    }

    fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }
}
