//! Carries one redrive out: lanes beside each other, in each one dead letter after the other, as their events came.

use std::time::Duration;

use futures::StreamExt as _;
use ig_core::id::LogId;
use ig_core::ports::StoreError;
use ig_core::redelivery::{ClaimId, Retried, lanes};
use ig_core::redrive::{Redrive, RedriveKey, RedriveState};
use ig_store::{Claimed, KeptLetter, REDRIVE_LEASE};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Redriving;
use super::round::Round;
use crate::retries::Attempted;

/// How often the lease is renewed, and with it seen whether the redrive was cancelled.
const RENEWAL: Duration = Duration::from_secs(2);
/// The lanes that one redrive works off beside each other.
const LANES: usize = 8;
/// How long to wait for a dead letter that somebody else is trying, or for the database.
const A_MOMENT: Duration = Duration::from_millis(500);
/// How long to wait where nothing is sent because breakers are open.
const WHILE_HELD: Duration = Duration::from_secs(5);

/// What there is to do after one dead letter had its turn.
enum Turn {
    /// The next one.
    Next,
    /// The same again, after so long.
    Again(Duration),
    /// Nothing in this lane for now: nothing is sent to its integration.
    Leave,
}

/// What there is to do after everything that waited had its turn.
enum After {
    /// Nothing: the redrive has ended, or is another's.
    Nothing,
    /// To look again.
    Look,
    /// To look again later: nothing could be sent.
    LookLater,
}

impl Redriving {
    /// Carries a redrive out for as long as its lease is held.
    pub(super) async fn carry_out(&self, redrive: Redrive, claim: ClaimId) {
        let halt = self.context.stopping().child_token();
        if redrive.state == RedriveState::Cancelled {
            halt.cancel();
        }
        tokio::select! {
            () = self.work(&redrive, &claim, &halt) => {}
            () = self.hold(redrive.key, &claim, &halt) => {
                tracing::warn!(redrive = %redrive.key.id, "the lease on a redrive has ended; another takes it up");
            }
        }
    }

    /// Renews the lease and halts the work when the redrive is cancelled; returns when the lease is lost.
    async fn hold(&self, key: RedriveKey, claim: &ClaimId, halt: &CancellationToken) {
        let mut sure_until = Instant::now() + REDRIVE_LEASE;
        while Instant::now() < sure_until {
            tokio::time::sleep(RENEWAL).await;
            let began = Instant::now();
            match self.redrives.renew(key, claim, self.retries.clock.now()).await {
                Ok(Some(state)) => {
                    sure_until = began + REDRIVE_LEASE;
                    if state == RedriveState::Cancelled {
                        halt.cancel();
                    }
                }
                Ok(None) => return,
                Err(error) => tracing::warn!(%error, "a redrive's lease could not be renewed; trying again"),
            }
        }
    }

    async fn work(&self, redrive: &Redrive, claim: &ClaimId, halt: &CancellationToken) {
        loop {
            let after = self.round(redrive, claim, halt).await.unwrap_or_else(|error| {
                tracing::warn!(%error, redrive = %redrive.key.id, "a redrive cannot go on yet; trying again");
                After::Look
            });
            match after {
                After::Nothing => return,
                After::Look => tokio::time::sleep(A_MOMENT).await,
                After::LookLater => {
                    halt.run_until_cancelled(tokio::time::sleep(WHILE_HELD)).await;
                }
            }
        }
    }

    /// Gives everything that waits its turn.
    async fn round(&self, redrive: &Redrive, claim: &ClaimId, halt: &CancellationToken) -> Result<After, StoreError> {
        let (key, now) = (redrive.key, self.retries.clock.now());
        if self.context.stopping().is_cancelled() {
            self.redrives.give_back(key, claim, now).await?;
            return Ok(After::Nothing);
        }
        if halt.is_cancelled() {
            return self.end(key, claim).await;
        }
        self.redrives.take_in(redrive, claim).await?;
        let waiting = self.retries.letters.waiting(key).await?;
        if waiting.is_empty() {
            return self.end(key, claim).await;
        }
        let round = Round::of(key, &waiting);
        let lanes = futures::stream::iter(lanes(waiting));
        lanes
            .for_each_concurrent(LANES, |lane| self.work_off(&round, lane, halt))
            .await;
        Ok(if round.has_progressed() {
            After::Look
        } else {
            After::LookLater
        })
    }

    async fn end(&self, key: RedriveKey, claim: &ClaimId) -> Result<After, StoreError> {
        let ended = self.redrives.settle(key, claim, self.retries.clock.now()).await?;
        Ok(if ended { After::Nothing } else { After::Look })
    }

    async fn work_off(&self, round: &Round, lane: Vec<LogId>, halt: &CancellationToken) {
        for id in lane {
            while !halt.is_cancelled() && !round.is_held(id) {
                let turn = self.give_turn(round.key, id).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, letter = %id, "a dead letter's turn could not be given or stored; trying again");
                    Turn::Again(A_MOMENT)
                });
                match turn {
                    Turn::Next => {
                        round.progress();
                        break;
                    }
                    Turn::Again(pause) => {
                        halt.run_until_cancelled(tokio::time::sleep(pause)).await;
                    }
                    Turn::Leave => round.hold(id),
                }
            }
        }
    }

    async fn give_turn(&self, key: RedriveKey, id: LogId) -> Result<Turn, StoreError> {
        let claim = ClaimId::random(&mut rand::rng());
        let now = self.retries.clock.now();
        match self.retries.letters.claim_redriven(key, id, &claim, now).await? {
            Claimed::Claimed { before, letter } => self.retry(&before, &letter, &claim).await,
            Claimed::Busy => Ok(Turn::Again(A_MOMENT)),
            Claimed::Gone => Ok(Turn::Next),
        }
    }

    async fn retry(&self, before: &KeptLetter, letter: &KeptLetter, claim: &ClaimId) -> Result<Turn, StoreError> {
        let (retries, id) = (&self.retries, letter.letter.id);
        match retries.attempt(letter, claim, &[id]).await? {
            Attempted::Answered(Retried::NotTried { .. }) => {
                retries.give_back(letter, claim, &before.redelivery).await?;
                Ok(Turn::Leave)
            }
            Attempted::Answered(retried) => {
                retries.settle(letter, claim, retried).await?;
                Ok(Turn::Next)
            }
            Attempted::Unanswered => {
                retries.give_back(letter, claim, &before.redelivery).await?;
                retries.workers.present().await;
                Ok(Turn::Again(Duration::ZERO))
            }
        }
    }
}
