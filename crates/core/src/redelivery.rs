//! Dead letters on their way: who tries them again, when, and when they are given up.
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
//! What was never tried, because the breaker was open, is held: it is nobody's to claim until a person or a redrive wants it.
//!
//! A claim ends with its lease: what a process that died held is due again, and what it reports afterwards is refused
//! ([`Fenced`]). Every transition is stored under the condition that the status, and the claim where there is one, are as they were read.

use std::time::Duration;

use rand::Rng;

use crate::backoff::Backoff;
use crate::clock::Timestamp;
use crate::dead_letter::{DEFAULT_MAX_RETRIES, DeadLetterStatus};
use crate::fault::Faults;
use crate::id::{LogId, OrgId};
use crate::outcome::Failure;

mod fairness;
mod order;
#[cfg(test)]
mod tests;

pub use fairness::{Candidate, pick, shares};
pub use order::{Queued, lanes};

/// How many dead letters are claimed in one cycle.
pub const MOST_A_CYCLE: usize = 50;
/// How long a claim lasts unless it is renewed, beyond the time that the delivery may take.
pub const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How many dead letters a person may want tried again at once.
pub const MOST_BY_HAND: usize = 100;

const LONGEST_DELAY_MS: u64 = 7 * 86_400_000;
const MOST_RETRIES: u32 = 100;

/// How an organisation's dead letters are tried again.
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
    /// Delays from 1 ms to 7 days, the first no longer than the longest, and 1 to 100 retries; faults are found at `/baseMs`, `/maxMs` and `/maxRetries`.
    pub fn new(base_ms: u64, max_ms: u64, max_retries: u32) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if !(1..=LONGEST_DELAY_MS).contains(&base_ms) {
            faults.add("/baseMs", "must be from 1 to 604800000");
        }
        if max_ms < base_ms || max_ms > LONGEST_DELAY_MS {
            faults.add("/maxMs", "must be from baseMs to 604800000");
        }
        if !(1..=MOST_RETRIES).contains(&max_retries) {
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

    /// How long until a dead letter is due for the first time, where its target asked to wait for so long, if it did.
    pub fn first_delay(&self, asked: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let own = self.backoff.delay(0, rng);
        asked.map_or(own, |asked| asked + own)
    }

    /// Milliseconds before the first retry.
    pub fn base_ms(&self) -> u64 {
        millis(self.backoff.base)
    }

    /// The longest delay in milliseconds.
    pub fn max_ms(&self) -> u64 {
        millis(self.backoff.max)
    }

    /// The delays between retries.
    pub fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// How often a dead letter is tried before it is given up.
    pub fn max_retries(&self) -> u32 {
        self.max_retries
    }
}

/// Within a policy's bounds, which are far from the largest number.
fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

/// Which claim: unique for ever, so that what an earlier holder writes is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimId(pub String);

impl ClaimId {
    /// A claim that nobody has made before: 128 random bits, as 32 hexadecimal digits.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self(format!("{:032x}", rng.random::<u128>()))
    }
}

/// Dead letters that a person wants tried again now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The tenant.
    pub org_id: OrgId,
    /// Which ones, at most [`MOST_BY_HAND`].
    pub ids: Vec<LogId>,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// The dead letters that were made due.
    pub accepted: Vec<LogId>,
    /// Those that were not: unknown, delivered, or being tried at this moment.
    pub refused: Vec<LogId>,
}

/// Where a dead letter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It will be tried again.
    Pending {
        /// When.
        due_at: Timestamp,
    },
    /// It was not tried, and waits for somebody to make it due.
    Held,
    /// Somebody is trying it.
    Retrying {
        /// Whose claim it is.
        claim: ClaimId,
        /// When it is due again unless the claim is renewed.
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

/// Where a dead letter stands, and how often it has been tried since it became one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery {
    /// Where it stands.
    pub standing: Standing,
    /// How many retries have ended.
    pub retries: u32,
    /// A person wants it tried once more, however often it was tried already.
    pub by_hand: bool,
}

/// What came of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It was delivered.
    Delivered {
        /// The log of the delivery.
        log: LogId,
    },
    /// It was tried and failed.
    Failed(Failure),
    /// It was not tried, and can be later: the breaker is open, a limit reached, the deliverer away.
    NotTried {
        /// When it makes sense again.
        until: Timestamp,
    },
    /// It cannot be tried: the integration is deleted.
    Impossible {
        /// Why, in a sentence that a tenant may read.
        reason: String,
    },
}

/// Where a dead letter stands after a retry, and whether people are to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// To be stored.
    pub after: Redelivery,
    /// Whether it has just been given up: an alert is raised.
    pub given_up: bool,
}

/// The claim is not the holder's any more: what it did is told by whoever holds it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim has ended")]
pub struct Fenced;

impl Standing {
    /// Its name in documents.
    pub fn status(&self) -> DeadLetterStatus {
        match self {
            Self::Pending { .. } | Self::Held => DeadLetterStatus::PendingRetry,
            Self::Retrying { .. } => DeadLetterStatus::Retrying,
            Self::Abandoned { .. } => DeadLetterStatus::Abandoned,
            Self::Resolved { .. } => DeadLetterStatus::Resolved,
        }
    }
}

impl Redelivery {
    /// A dead letter that is due for the first time at a moment.
    pub fn pending(due_at: Timestamp) -> Self {
        Self {
            standing: Standing::Pending { due_at },
            retries: 0,
            by_hand: false,
        }
    }

    /// Whether it may be claimed: it is due, or was claimed by somebody who is gone.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.standing {
            Standing::Pending { due_at } => *due_at <= now,
            Standing::Retrying { until, .. } => *until <= now,
            Standing::Held | Standing::Abandoned { .. } | Standing::Resolved { .. } => false,
        }
    }

    /// Claimed for a delivery that may take so long; nothing where it is not due.
    pub fn claimed(&self, claim: ClaimId, timeout: Duration, now: Timestamp) -> Option<Self> {
        let until = now + timeout + CLAIM_LEASE;
        let standing = Standing::Retrying { claim, until };
        self.is_due(now).then(|| Self {
            standing,
            ..self.clone()
        })
    }

    /// The claim prolonged.
    pub fn renewed(&self, claim: &ClaimId, now: Timestamp) -> Result<Self, Fenced> {
        self.held_by(claim)?;
        let standing = Standing::Retrying {
            claim: claim.clone(),
            until: now + CLAIM_LEASE,
        };
        Ok(Self {
            standing,
            ..self.clone()
        })
    }

    /// Given back untried, to be claimed by another at once.
    pub fn released(&self, claim: &ClaimId, now: Timestamp) -> Result<Self, Fenced> {
        self.held_by(claim)?;
        Ok(Self {
            standing: Standing::Pending { due_at: now },
            ..self.clone()
        })
    }

    /// What follows from a retry, as its holder tells it.
    pub fn settled(
        &self,
        claim: &ClaimId,
        retried: Retried,
        policy: &RetryPolicy,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Settlement, Fenced> {
        self.held_by(claim)?;
        let (standing, retries) = match retried {
            Retried::Delivered { log } => (Standing::Resolved { log }, self.retries + 1),
            Retried::Impossible { reason } => (Standing::Abandoned { reason }, self.retries),
            Retried::NotTried { until } => (Standing::Pending { due_at: until }, self.retries),
            Retried::Failed(failure) => (self.after_failure(&failure, policy, now, rng), self.retries + 1),
        };
        let untried = matches!(standing, Standing::Pending { .. }) && retries == self.retries;
        Ok(Settlement {
            given_up: matches!(standing, Standing::Abandoned { .. }),
            after: Self {
                standing,
                retries,
                by_hand: self.by_hand && untried,
            },
        })
    }

    /// A person wants it tried now; nothing where it is delivered, or being tried at this moment.
    pub fn retried_by_hand(&self, now: Timestamp) -> Option<Self> {
        let possible = match &self.standing {
            Standing::Pending { .. } | Standing::Held | Standing::Abandoned { .. } => true,
            Standing::Retrying { until, .. } => *until <= now,
            Standing::Resolved { .. } => false,
        };
        possible.then_some(Self {
            standing: Standing::Pending { due_at: now },
            retries: self.retries,
            by_hand: true,
        })
    }

    fn after_failure(&self, failure: &Failure, policy: &RetryPolicy, now: Timestamp, rng: &mut impl Rng) -> Standing {
        let ended = self.retries + 1;
        if !failure.category.retryable() {
            let reason = format!("Trying again would not help. {}", failure.message);
            return Standing::Abandoned { reason };
        }
        if ended >= policy.max_retries {
            let reason = format!("It was tried again {ended} times. The last time: {}", failure.message);
            return Standing::Abandoned { reason };
        }
        // The first retry had the first delay: this is the next one's.
        let own = policy.backoff.delay(ended, rng);
        let wait = failure.retry_after.map_or(own, |asked| asked.max(own));
        Standing::Pending { due_at: now + wait }
    }

    /// The holder may be late as long as nobody has claimed it since.
    fn held_by(&self, claim: &ClaimId) -> Result<(), Fenced> {
        match &self.standing {
            Standing::Retrying { claim: held, .. } if held == claim => Ok(()),
            Standing::Retrying { .. }
            | Standing::Pending { .. }
            | Standing::Held
            | Standing::Abandoned { .. }
            | Standing::Resolved { .. } => Err(Fenced),
        }
    }
}
