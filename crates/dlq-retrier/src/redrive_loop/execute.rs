//! Executes one redrive: lanes concurrently, and the dead letters of a lane one after the other, in event order.

use std::time::Duration;

use futures::StreamExt as _;
use ig_core::dead_letter_retry::{ClaimId, RetryResult, group_by_lane};
use ig_core::id::LogId;
use ig_core::ports::StoreError;
use ig_core::redrive::{Redrive, RedriveKey, RedriveState};
use ig_store::{REDRIVE_LEASE, RedriveClaim, StoredDeadLetter};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::RedriveLoop;
use super::pass::Pass;
use crate::retry_executor::AttemptResult;

/// The interval of lease renewals, which also notice a cancellation.
const RENEW_INTERVAL: Duration = Duration::from_secs(2);
/// The lanes that one redrive processes concurrently.
const MAX_LANES: usize = 8;
/// Delay for a dead letter that another retry has claimed, or after a database error.
const SHORT_DELAY: Duration = Duration::from_millis(500);
/// Delay while open breakers hold everything.
const HELD_DELAY: Duration = Duration::from_secs(5);

/// The next step of a lane after a dead letter was processed.
enum NextStep {
    /// Go on with the next dead letter.
    NextLetter,
    /// Retry the same dead letter after a delay.
    RetryAfter(Duration),
    /// Skip the integration in this pass: its deliveries are held.
    SkipIntegration,
}

/// The result of one pass over the waiting dead letters.
enum PassResult {
    /// The redrive has ended, or another process has it.
    Ended,
    /// Start another pass.
    Continue,
    /// Start another pass later: everything is held.
    ContinueLater,
}

impl RedriveLoop {
    /// Executes a redrive while its lease lasts.
    pub(super) async fn execute(&self, redrive: Redrive, claim: ClaimId) {
        let halt = self.context.stopping().child_token();
        if redrive.state == RedriveState::Cancelled {
            halt.cancel();
        }
        tokio::select! {
            () = self.run_passes(&redrive, &claim, &halt) => {}
            () = self.keep_lease(redrive.key, &claim, &halt) => {
                tracing::warn!(redrive = %redrive.key.id, "the lease on a redrive has ended; another takes it up");
            }
        }
    }

    /// Renews the lease, and cancels `halt` when the redrive is cancelled; returns when the lease is lost.
    async fn keep_lease(&self, key: RedriveKey, claim: &ClaimId, halt: &CancellationToken) {
        let mut leased_until = Instant::now() + REDRIVE_LEASE;
        while Instant::now() < leased_until {
            tokio::time::sleep(RENEW_INTERVAL).await;
            let sent_at = Instant::now();
            match self.redrives.renew(key, claim, self.executor.clock.now()).await {
                Ok(Some(state)) => {
                    leased_until = sent_at + REDRIVE_LEASE;
                    if state == RedriveState::Cancelled {
                        halt.cancel();
                    }
                }
                Ok(None) => return,
                Err(error) => tracing::warn!(%error, "a redrive's lease could not be renewed; trying again"),
            }
        }
    }

    async fn run_passes(&self, redrive: &Redrive, claim: &ClaimId, halt: &CancellationToken) {
        loop {
            let result = self.run_pass(redrive, claim, halt).await.unwrap_or_else(|error| {
                tracing::warn!(%error, redrive = %redrive.key.id, "a redrive cannot go on yet; trying again");
                PassResult::Continue
            });
            match result {
                PassResult::Ended => return,
                PassResult::Continue => tokio::time::sleep(SHORT_DELAY).await,
                PassResult::ContinueLater => {
                    halt.run_until_cancelled(tokio::time::sleep(HELD_DELAY)).await;
                }
            }
        }
    }

    /// Processes every waiting dead letter once.
    async fn run_pass(&self, redrive: &Redrive, claim: &ClaimId, halt: &CancellationToken) -> Result<PassResult, StoreError> {
        let (key, now) = (redrive.key, self.executor.clock.now());
        if self.context.stopping().is_cancelled() {
            self.redrives.give_back(key, claim, now).await?;
            return Ok(PassResult::Ended);
        }
        if halt.is_cancelled() {
            return self.settle(key, claim).await;
        }
        self.redrives.add_letters(redrive, claim).await?;
        let waiting = self.executor.letters.waiting(key).await?;
        if waiting.is_empty() {
            return self.settle(key, claim).await;
        }
        let pass = Pass::of(key, &waiting);
        let lanes = futures::stream::iter(group_by_lane(waiting));
        lanes
            .for_each_concurrent(MAX_LANES, |lane| self.process_lane(&pass, lane, halt))
            .await;
        Ok(if pass.has_progressed() {
            PassResult::Continue
        } else {
            PassResult::ContinueLater
        })
    }

    async fn settle(&self, key: RedriveKey, claim: &ClaimId) -> Result<PassResult, StoreError> {
        let ended = self.redrives.settle(key, claim, self.executor.clock.now()).await?;
        Ok(if ended { PassResult::Ended } else { PassResult::Continue })
    }

    async fn process_lane(&self, pass: &Pass, lane: Vec<LogId>, halt: &CancellationToken) {
        for id in lane {
            while !halt.is_cancelled() && !pass.is_skipped(id) {
                let step = self.process_letter(pass.key, id).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, letter = %id, "a dead letter's turn could not be given or stored; trying again");
                    NextStep::RetryAfter(SHORT_DELAY)
                });
                match step {
                    NextStep::NextLetter => {
                        pass.mark_progressed();
                        break;
                    }
                    NextStep::RetryAfter(pause) => {
                        halt.run_until_cancelled(tokio::time::sleep(pause)).await;
                    }
                    NextStep::SkipIntegration => pass.skip_integration(id),
                }
            }
        }
    }

    async fn process_letter(&self, key: RedriveKey, id: LogId) -> Result<NextStep, StoreError> {
        let claim = ClaimId::random(&mut rand::rng());
        let now = self.executor.clock.now();
        match self.executor.letters.claim_redriven(key, id, &claim, now).await? {
            RedriveClaim::Claimed { before, letter } => self.retry(&before, &letter, &claim).await,
            RedriveClaim::Busy => Ok(NextStep::RetryAfter(SHORT_DELAY)),
            RedriveClaim::Gone => Ok(NextStep::NextLetter),
        }
    }

    async fn retry(&self, before: &StoredDeadLetter, letter: &StoredDeadLetter, claim: &ClaimId) -> Result<NextStep, StoreError> {
        let (executor, id) = (&self.executor, letter.letter.id);
        match executor.attempt(letter, claim, &[id]).await? {
            AttemptResult::Completed(RetryResult::NotTried { .. }) => {
                executor.give_back(letter, claim, &before.retry_progress).await?;
                Ok(NextStep::SkipIntegration)
            }
            AttemptResult::Completed(retried) => {
                executor.settle(letter, claim, retried).await?;
                Ok(NextStep::NextLetter)
            }
            AttemptResult::NoWorker => {
                executor.give_back(letter, claim, &before.retry_progress).await?;
                executor.sender.wait_available().await;
                Ok(NextStep::RetryAfter(Duration::ZERO))
            }
        }
    }
}
