//! One retry: the order to a worker, what its answer means, and the end of the claim.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::delivery_log::Direction;
use ig_core::id::LogId;
use ig_core::order::{OrderOutcome, OrderReport};
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::StoreError;
use ig_core::redelivery::{ClaimId, Redelivery, Retried};
use ig_proto::OrderRefusal;
use ig_store::{DeadLetters, InboundIntegrations, Integrations, KeptLetter, Settled, Settling};

use crate::metrics;
use crate::nudge::Nudge;
use crate::policies::Policies;
use crate::workers::{Answer, Workers};

/// How often a claim is renewed while a delivery is under way: three times within its lease.
const RENEWAL: Duration = Duration::from_secs(10);
/// How long until a delivery is tried again that was not tried because its breaker was open.
const WHILE_HELD: Duration = Duration::from_mins(1);
/// How long until it is tried again when a worker does not know yet what is configured.
const UNTIL_KNOWN: Duration = Duration::from_secs(5);

/// What came of an attempt at a retry.
#[derive(Debug)]
pub(crate) enum Attempted {
    /// There was an answer, and this is what it means.
    Answered(Retried),
    /// There was none: the claim is to be released, and nothing counts.
    Unanswered,
}

/// Makes retries of dead letters that are held under a claim.
pub(crate) struct Retries {
    /// The dead letters.
    pub(crate) letters: DeadLetters,
    /// The integrations, to tell what was deleted from what a worker does not know yet.
    pub(crate) integrations: Integrations,
    /// The inbound ones.
    pub(crate) inbound: InboundIntegrations,
    /// Who delivers.
    pub(crate) workers: Workers,
    /// How organisations want them tried again.
    pub(crate) policies: Policies,
    /// Wakes whoever tells people of what was given up.
    pub(crate) alerting: Nudge,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Retries {
    /// Has a dead letter's delivery made. Its claim, and that of others that wait for it, is renewed meanwhile.
    pub(crate) async fn attempt(&self, letter: &KeptLetter, claim: &ClaimId, held: &[LogId]) -> Result<Attempted, StoreError> {
        let answer = self.holding(claim, held, self.workers.deliver(letter, claim)).await;
        let now = self.clock.now();
        let retried = match answer {
            Answer::Report(report) => understood(report, now),
            Answer::Refused(OrderRefusal::Unknown) => self.unknown(letter, now).await?,
            Answer::Refused(OrderRefusal::Never(reason)) => Retried::Impossible {
                reason: format!("It cannot be delivered: {reason}"),
            },
            Answer::Refused(OrderRefusal::Away) => return Ok(Attempted::Unanswered),
        };
        Ok(Attempted::Answered(retried))
    }

    async fn holding<T>(&self, claim: &ClaimId, held: &[LogId], work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(RENEWAL) => self.renew(claim, held).await,
            }
        }
    }

    async fn renew(&self, claim: &ClaimId, held: &[LogId]) {
        if let Err(error) = self.letters.renew(held, claim, self.clock.now()).await {
            tracing::warn!(%error, "a claim could not be renewed; trying again");
        }
    }

    /// A worker knows the configuration of a moment ago; the database tells what is really gone.
    async fn unknown(&self, letter: &KeptLetter, now: Timestamp) -> Result<Retried, StoreError> {
        let integration = &letter.letter.integration;
        let requests = self.requests(letter).await?;
        Ok(match requests {
            None => Retried::Impossible {
                reason: "The integration was deleted.".to_owned(),
            },
            Some(requests) if usize::from(integration.action_index) >= requests => Retried::Impossible {
                reason: "The integration does not have this action any more.".to_owned(),
            },
            Some(_) => Retried::NotTried {
                until: now + UNTIL_KNOWN,
            },
        })
    }

    /// How many requests the integration of a dead letter makes; nothing where it is gone. A call makes one.
    async fn requests(&self, letter: &KeptLetter) -> Result<Option<usize>, StoreError> {
        let (org, id) = (letter.letter.org_id, letter.letter.integration.id);
        match letter.letter.direction {
            Direction::Outbound => self.integrations.requests(org, id).await,
            Direction::Inbound => Ok(self.inbound.exists(org, id).await?.then_some(1)),
        }
    }

    /// Stores what came of a retry.
    pub(crate) async fn settle(&self, letter: &KeptLetter, claim: &ClaimId, retried: Retried) -> Result<(), StoreError> {
        let policy = self.policies.of(letter.letter.org_id).await?;
        let now = self.clock.now();
        metrics::retried(&retried);
        let failure = match &retried {
            Retried::Failed(failure) => Some(failure.clone()),
            Retried::Delivered { .. } | Retried::NotTried { .. } | Retried::Impossible { .. } => None,
        };
        let settled = letter.redelivery.settled(claim, retried, &policy, now, &mut rand::rng());
        let Ok(settlement) = settled else {
            return Ok(());
        };
        let settling = Settling {
            letter,
            claim,
            settlement: &settlement,
            max_retries: policy.max_retries(),
            failure: failure.as_ref(),
        };
        match self.letters.settle(settling, now).await? {
            Settled::Stored if settlement.given_up => self.alerting.wake(),
            Settled::Stored => {}
            Settled::Fenced => tracing::warn!(letter = %letter.letter.id, "a claim ended before what came of it was stored"),
        }
        Ok(())
    }

    /// Gives a dead letter back untried, to be claimed by another at once.
    pub(crate) async fn release(&self, letter: &KeptLetter, claim: &ClaimId) -> Result<(), StoreError> {
        match letter.redelivery.released(claim, self.clock.now()) {
            Ok(released) => self.give_back(letter, claim, &released).await,
            Err(_fenced) => Ok(()),
        }
    }

    /// Gives a dead letter back untried, to stand so.
    pub(crate) async fn give_back(&self, letter: &KeptLetter, claim: &ClaimId, before: &Redelivery) -> Result<(), StoreError> {
        self.letters
            .give_back(letter, claim, before, self.clock.now())
            .await
            .map(drop)
    }
}

fn understood(report: OrderReport, now: Timestamp) -> Retried {
    let OrderReport {
        outcome,
        error,
        response_status: _,
        retry_after,
        log_id,
    } = report;
    match outcome {
        OrderOutcome::Delivered | OrderOutcome::Skipped => Retried::Delivered { log: log_id },
        OrderOutcome::Held => Retried::NotTried {
            until: now + retry_after.unwrap_or(WHILE_HELD),
        },
        OrderOutcome::Retryable => Retried::Failed(failure(error, retry_after)),
        OrderOutcome::Refused => refused(failure(error, None)),
    }
}

/// The worker's word that trying again would not help stands, whatever the category says.
fn refused(failure: Failure) -> Retried {
    if failure.category.retryable() {
        return Retried::Impossible { reason: failure.message };
    }
    Retried::Failed(failure)
}

fn failure(error: Option<(ErrorCategory, String)>, retry_after: Option<Duration>) -> Failure {
    let (category, message) = error.unwrap_or((ErrorCategory::Network, "The delivery failed.".to_owned()));
    Failure {
        category,
        message,
        retry_after,
    }
}
