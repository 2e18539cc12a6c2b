//! Executes one retry: the order to a worker, the meaning of its report, and the end of the claim.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::{Clock, Timestamp};
use ig_core::dead_letter_retry::{ClaimId, RetryProgress, RetryResult};
use ig_core::delivery_command::{CommandOutcome, CommandReport};
use ig_core::delivery_log::Direction;
use ig_core::id::LogId;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::ports::StoreError;
use ig_proto::CommandRefusal;
use ig_store::{DeadLetters, InboundIntegrations, Integrations, Jobs, RetryUpdate, SettleOutcome, StoredDeadLetter};

use crate::metrics;
use crate::nudge::Nudge;
use crate::policy_cache::PolicyCache;
use crate::retry_sender::RetrySender;

/// The interval of claim renewals: three within a lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(10);
/// Delay for a delivery that an open breaker held.
const HELD_DELAY: Duration = Duration::from_mins(1);
/// Delay for a delivery whose integration the worker does not know yet.
const UNKNOWN_DELAY: Duration = Duration::from_secs(5);

/// The result of an attempt.
#[derive(Debug)]
pub(crate) enum AttemptResult {
    /// A worker answered, with this result.
    Completed(RetryResult),
    /// No worker answered: the attempt does not count, and the claim has to be released.
    NoWorker,
}

/// Executes retries of claimed dead letters.
pub(crate) struct RetryExecutor {
    /// The dead letters.
    pub(crate) letters: DeadLetters,
    /// The integrations, to tell a deleted one from one that a worker does not know yet.
    pub(crate) integrations: Integrations,
    /// The inbound integrations.
    pub(crate) inbound: InboundIntegrations,
    /// The scheduled jobs.
    pub(crate) jobs: Jobs,
    /// The client of the workers.
    pub(crate) sender: RetrySender,
    /// The retry policies of organisations.
    pub(crate) policies: PolicyCache,
    /// Wakes the alert loop.
    pub(crate) alerts: Nudge,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl RetryExecutor {
    /// Orders a dead letter's delivery, and meanwhile renews the claims of all `claimed` letters.
    pub(crate) async fn attempt(
        &self,
        letter: &StoredDeadLetter,
        claim: &ClaimId,
        claimed: &[LogId],
    ) -> Result<AttemptResult, StoreError> {
        let result = self.while_renewing(claim, claimed, self.sender.send(letter, claim)).await;
        let now = self.clock.now();
        let retried = match result {
            Ok(report) => interpret_report(report, now),
            Err(CommandRefusal::Unknown) => self.retry_of_unknown_integration(letter, now).await?,
            Err(CommandRefusal::Never(reason)) => RetryResult::Impossible {
                reason: format!("It cannot be delivered: {reason}"),
            },
            Err(CommandRefusal::Away) => return Ok(AttemptResult::NoWorker),
        };
        Ok(AttemptResult::Completed(retried))
    }

    async fn while_renewing<T>(&self, claim: &ClaimId, claimed: &[LogId], work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(RENEW_INTERVAL) => self.renew_claims(claim, claimed).await,
            }
        }
    }

    async fn renew_claims(&self, claim: &ClaimId, claimed: &[LogId]) {
        if let Err(error) = self.letters.renew(claimed, claim, self.clock.now()).await {
            tracing::warn!(%error, "a claim could not be renewed; trying again");
        }
    }

    /// Checks the database for the integration: the worker's configuration may lag behind.
    async fn retry_of_unknown_integration(&self, letter: &StoredDeadLetter, now: Timestamp) -> Result<RetryResult, StoreError> {
        let integration = &letter.letter.integration;
        let request_count = self.request_count(letter).await?;
        Ok(match request_count {
            None => RetryResult::Impossible {
                reason: "The integration was deleted.".to_owned(),
            },
            Some(count) if usize::from(integration.action_index) >= count => RetryResult::Impossible {
                reason: "The integration does not have this action any more.".to_owned(),
            },
            Some(_) => RetryResult::NotTried {
                until: now + UNKNOWN_DELAY,
            },
        })
    }

    /// The number of requests of the dead letter's integration; `None` if it was deleted. A call is one request.
    async fn request_count(&self, letter: &StoredDeadLetter) -> Result<Option<usize>, StoreError> {
        let (org, id) = (letter.letter.org_id, letter.letter.integration.id);
        match letter.letter.direction {
            Direction::Outbound => self.integrations.requests(org, id).await,
            Direction::Inbound => Ok(self.inbound.exists(org, id).await?.then_some(1)),
            Direction::Scheduled => Ok(self.jobs.exists(org, id).await?.then_some(1)),
        }
    }

    /// Stores the result of a retry.
    pub(crate) async fn settle(
        &self,
        letter: &StoredDeadLetter,
        claim: &ClaimId,
        retried: RetryResult,
    ) -> Result<(), StoreError> {
        let policy = self.policies.get(letter.letter.org_id).await?;
        let now = self.clock.now();
        metrics::count_retry(&retried);
        let failure = match &retried {
            RetryResult::Failed(failure) => Some(failure.clone()),
            RetryResult::Delivered { .. } | RetryResult::NotTried { .. } | RetryResult::Impossible { .. } => None,
        };
        let settled = letter.retry_progress.settled(claim, retried, &policy, now, &mut rand::rng());
        let Ok(settlement) = settled else {
            return Ok(());
        };
        let settling = RetryUpdate {
            letter,
            claim,
            settlement: &settlement,
            max_retries: policy.max_retries(),
            failure: failure.as_ref(),
        };
        match self.letters.settle(settling, now).await? {
            SettleOutcome::Stored if settlement.given_up => self.alerts.wake(),
            SettleOutcome::Stored => {}
            SettleOutcome::ClaimLost => {
                tracing::warn!(letter = %letter.letter.id, "a claim ended before what came of it was stored");
            }
        }
        Ok(())
    }

    /// Releases an untried dead letter, which is due again at once.
    pub(crate) async fn release(&self, letter: &StoredDeadLetter, claim: &ClaimId) -> Result<(), StoreError> {
        match letter.retry_progress.released(claim, self.clock.now()) {
            Ok(released) => self.give_back(letter, claim, &released).await,
            Err(_fenced) => Ok(()),
        }
    }

    /// Releases an untried dead letter and restores its state of `before`.
    pub(crate) async fn give_back(
        &self,
        letter: &StoredDeadLetter,
        claim: &ClaimId,
        before: &RetryProgress,
    ) -> Result<(), StoreError> {
        self.letters
            .give_back(letter, claim, before, self.clock.now())
            .await
            .map(drop)
    }
}

fn interpret_report(report: CommandReport, now: Timestamp) -> RetryResult {
    let CommandReport {
        outcome,
        error,
        response_status: _,
        retry_after,
        log_id,
    } = report;
    match outcome {
        CommandOutcome::Delivered | CommandOutcome::Skipped => RetryResult::Delivered { log: log_id },
        CommandOutcome::Held => RetryResult::NotTried {
            until: now + retry_after.unwrap_or(HELD_DELAY),
        },
        CommandOutcome::Retryable => RetryResult::Failed(to_failure(error, retry_after)),
        CommandOutcome::Refused => refused_retry(to_failure(error, None)),
    }
}

/// A refusal is final, even with a retryable category.
fn refused_retry(failure: Failure) -> RetryResult {
    if failure.category.retryable() {
        return RetryResult::Impossible { reason: failure.message };
    }
    RetryResult::Failed(failure)
}

fn to_failure(error: Option<(ErrorCategory, String)>, retry_after: Option<Duration>) -> Failure {
    let (category, message) = error.unwrap_or((ErrorCategory::Network, "The delivery failed.".to_owned()));
    Failure {
        category,
        message,
        retry_after,
    }
}
