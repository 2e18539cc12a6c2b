//! The retries of dead letters: who retries them, when, and when they are given up.
//!
//! ```text
//!              claim                delivered
//! PENDING ─────────────▶ RETRYING ─────────────▶ RESOLVED
//!    ▲   ◀───────────────   │
//!    │    failed: later     │ failed for the last time, or trying again would not help
//!    │                      ▼
//!    └───────────────── ABANDONED
//!        by a person
//! ```
//!
//! A delivery that was never tried, because the breaker was open, is held: no claim takes it until a person or a redrive makes
//! it due.
//!
//! A claim ends with its lease: the dead letters of a dead process are due again, and its later reports are refused
//! ([`ClaimLost`]). Every transition is stored under the condition that the status, and the claim if there is one, have not
//! changed since they were read.

use std::time::Duration;

use rand::Rng;

use crate::backoff::Backoff;
use crate::clock::Timestamp;
use crate::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetterStatus};
use crate::fault::Faults;
use crate::id::{LogId, OrgId};
use crate::outcome::Failure;

mod fairness;
mod lane_order;
#[cfg(test)]
mod tests;

pub use fairness::{DueDeadLetter, pick_round_robin, split_by_org};
pub use lane_order::{QueuedDeadLetter, group_by_lane};

/// How many dead letters one cycle claims.
pub const MAX_CLAIMED_PER_CYCLE: usize = 50;
/// How long a claim lasts, unless it is renewed.
pub const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How many dead letters a person may retry in one request.
pub const MAX_MANUAL_RETRIES: usize = 100;

const MAX_DELAY_MS: u64 = 7 * 86_400_000;
const MAX_RETRIES: u32 = 100;

/// An organisation's policy for retrying dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    backoff: Backoff,
    max_retries: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            max_retries: DEFAULT_MAX_RETRIES,
        }
    }
}

impl RetryPolicy {
    /// Delays from 1 ms to 7 days, `base_ms` no longer than `max_ms`, and 1 to 100 retries; faults point at `/baseMs`, `/maxMs`
    /// and `/maxRetries`.
    pub fn new(base_ms: u64, max_ms: u64, max_retries: u32) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if !(1..=MAX_DELAY_MS).contains(&base_ms) {
            faults.add("/baseMs", "must be from 1 to 604800000");
        }
        if max_ms < base_ms || max_ms > MAX_DELAY_MS {
            faults.add("/maxMs", "must be from baseMs to 604800000");
        }
        if !(1..=MAX_RETRIES).contains(&max_retries) {
            faults.add("/maxRetries", "must be from 1 to 100");
        }
        faults.into_result(Self {
            backoff: Backoff {
                base: Duration::from_millis(base_ms),
                max: Duration::from_millis(max_ms),
            },
            max_retries,
        })
    }

    /// The delay before a dead letter is first due; a delay that its target asked for comes on top.
    pub fn first_delay(&self, requested: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let own = self.backoff.delay(0, rng);
        requested.map_or(own, |requested| requested + own)
    }

    /// The delay before the first retry, in milliseconds.
    pub fn base_ms(&self) -> u64 {
        millis(self.backoff.base)
    }

    /// The longest delay, in milliseconds.
    pub fn max_ms(&self) -> u64 {
        millis(self.backoff.max)
    }

    /// The delays between retries.
    pub fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// How many retries a dead letter gets before it is given up.
    pub fn max_retries(&self) -> u32 {
        self.max_retries
    }
}

/// Saturates, though a policy's bounds are far below the largest number.
fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

/// Identifies a claim; never reused, so that writes of an earlier holder are refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimId(pub String);

impl ClaimId {
    /// A fresh claim: 128 random bits, as 32 hexadecimal digits.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self(format!("{:032x}", rng.random::<u128>()))
    }
}

/// A person's request to retry dead letters now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualRetry {
    /// The tenant.
    pub org_id: OrgId,
    /// The dead letters, at most [`MAX_MANUAL_RETRIES`].
    pub ids: Vec<LogId>,
}

/// The answer to such a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManualRetryResult {
    /// The dead letters that are due now.
    pub accepted: Vec<LogId>,
    /// The others: unknown, delivered, or under retry at this moment.
    pub refused: Vec<LogId>,
}

/// The state of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterState {
    /// It waits for a retry.
    Pending {
        /// When the retry is due.
        due_at: Timestamp,
    },
    /// It was not tried, and waits for a person or a redrive.
    Held,
    /// A retry is under way.
    Retrying {
        /// The claim of the retry.
        claim: ClaimId,
        /// When it is due again, unless the claim is renewed.
        until: Timestamp,
    },
    /// It was given up.
    Abandoned {
        /// Why, in a sentence that a tenant may read.
        reason: String,
    },
    /// It was delivered in the end.
    Resolved {
        /// The log of its delivery.
        log: LogId,
    },
}

/// The state of a dead letter, with its retries so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryProgress {
    /// The state.
    pub state: DeadLetterState,
    /// The number of finished retries.
    pub retries: u32,
    /// A person requested one more retry, however many there were before.
    pub manual: bool,
}

/// The result of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryResult {
    /// It was delivered.
    Delivered {
        /// The log of the delivery.
        log: LogId,
    },
    /// It failed.
    Failed(Failure),
    /// It was not tried and can be later: the breaker is open, a limit is exhausted, or the deliverer is unavailable.
    NotTried {
        /// When a retry makes sense again.
        until: Timestamp,
    },
    /// It cannot be tried: the integration was deleted.
    Impossible {
        /// Why, in a sentence that a tenant may read.
        reason: String,
    },
}

/// The state of a dead letter after a retry, and whether to raise an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySettlement {
    /// The state to store.
    pub after: RetryProgress,
    /// Whether it was just given up, which raises an alert.
    pub given_up: bool,
}

/// The caller no longer holds the claim; the present holder reports the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim has ended")]
pub struct ClaimLost;

impl DeadLetterState {
    /// The status in documents.
    pub fn status(&self) -> DeadLetterStatus {
        match self {
            Self::Pending { .. } | Self::Held => DeadLetterStatus::PendingRetry,
            Self::Retrying { .. } => DeadLetterStatus::Retrying,
            Self::Abandoned { .. } => DeadLetterStatus::Abandoned,
            Self::Resolved { .. } => DeadLetterStatus::Resolved,
        }
    }
}

impl RetryProgress {
    /// A new dead letter, first due at a moment.
    pub fn pending(due_at: Timestamp) -> Self {
        Self {
            state: DeadLetterState::Pending { due_at },
            retries: 0,
            manual: false,
        }
    }

    /// Whether it may be claimed: it is due, or its claim has expired.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.state {
            DeadLetterState::Pending { due_at } => *due_at <= now,
            DeadLetterState::Retrying { until, .. } => *until <= now,
            DeadLetterState::Held | DeadLetterState::Abandoned { .. } | DeadLetterState::Resolved { .. } => false,
        }
    }

    /// Claims it for a delivery with this timeout; `None` where it is not due.
    pub fn claimed(&self, claim: ClaimId, timeout: Duration, now: Timestamp) -> Option<Self> {
        let until = now + timeout + CLAIM_LEASE;
        let state = DeadLetterState::Retrying { claim, until };
        self.is_due(now).then(|| Self { state, ..self.clone() })
    }

    /// Renews the claim.
    pub fn renewed(&self, claim: &ClaimId, now: Timestamp) -> Result<Self, ClaimLost> {
        self.check_claim(claim)?;
        let state = DeadLetterState::Retrying {
            claim: claim.clone(),
            until: now + CLAIM_LEASE,
        };
        Ok(Self { state, ..self.clone() })
    }

    /// Releases it untried, for another claim at once.
    pub fn released(&self, claim: &ClaimId, now: Timestamp) -> Result<Self, ClaimLost> {
        self.check_claim(claim)?;
        Ok(Self {
            state: DeadLetterState::Pending { due_at: now },
            ..self.clone()
        })
    }

    /// Applies the result of a retry, as reported by the holder of the claim.
    pub fn settled(
        &self,
        claim: &ClaimId,
        result: RetryResult,
        policy: &RetryPolicy,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<RetrySettlement, ClaimLost> {
        self.check_claim(claim)?;
        let (state, retries) = match result {
            RetryResult::Delivered { log } => (DeadLetterState::Resolved { log }, self.retries + 1),
            RetryResult::Impossible { reason } => (DeadLetterState::Abandoned { reason }, self.retries),
            RetryResult::NotTried { until } => (DeadLetterState::Pending { due_at: until }, self.retries),
            RetryResult::Failed(failure) => (self.after_failure(&failure, policy, now, rng), self.retries + 1),
        };
        let untried = matches!(state, DeadLetterState::Pending { .. }) && retries == self.retries;
        Ok(RetrySettlement {
            given_up: matches!(state, DeadLetterState::Abandoned { .. }),
            after: Self {
                state,
                retries,
                manual: self.manual && untried,
            },
        })
    }

    /// Applies a person's request to retry it now; `None` where it is delivered, or under retry at this moment.
    pub fn with_manual_retry(&self, now: Timestamp) -> Option<Self> {
        let possible = match &self.state {
            DeadLetterState::Pending { .. } | DeadLetterState::Held | DeadLetterState::Abandoned { .. } => true,
            DeadLetterState::Retrying { until, .. } => *until <= now,
            DeadLetterState::Resolved { .. } => false,
        };
        possible.then_some(Self {
            state: DeadLetterState::Pending { due_at: now },
            retries: self.retries,
            manual: true,
        })
    }

    fn after_failure(&self, failure: &Failure, policy: &RetryPolicy, now: Timestamp, rng: &mut impl Rng) -> DeadLetterState {
        let ended = self.retries + 1;
        if !failure.category.retryable() {
            let reason = format!("Trying again would not help. {}", failure.message);
            return DeadLetterState::Abandoned { reason };
        }
        if ended >= policy.max_retries {
            let reason = format!("It was tried again {ended} times. The last time: {}", failure.message);
            return DeadLetterState::Abandoned { reason };
        }
        // The first delay preceded the first retry; this one precedes the next.
        let own = policy.backoff.delay(ended, rng);
        let wait = failure.retry_after.map_or(own, |requested| requested.max(own));
        DeadLetterState::Pending { due_at: now + wait }
    }

    /// The holder may report late as long as there is no newer claim.
    fn check_claim(&self, claim: &ClaimId) -> Result<(), ClaimLost> {
        match &self.state {
            DeadLetterState::Retrying { claim: current, .. } if current == claim => Ok(()),
            DeadLetterState::Retrying { .. }
            | DeadLetterState::Pending { .. }
            | DeadLetterState::Held
            | DeadLetterState::Abandoned { .. }
            | DeadLetterState::Resolved { .. } => Err(ClaimLost),
        }
    }
}
