//! The outcome of a retry, stored under the claim on the dead letter.

use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::{ClaimId, DeadLetterState, RetryProgress, RetrySettlement};
use ig_core::delivery_log::DeliveryStatus;
use ig_core::outcome::Failure;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::state::{Change, claimed_under, state_update};
use super::{DeadLetters, StoredDeadLetter};
use crate::delivery_tallies::announce_log;
use crate::field::object_id;
use crate::names::DELIVERY_LOGS;

/// Whether the outcome of a retry was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleOutcome {
    /// It was stored.
    Stored,
    /// The claim had expired: the process that holds the dead letter now reports its outcome.
    ClaimLost,
}

/// The outcome of a retry.
#[derive(Debug, Clone, Copy)]
pub struct RetryUpdate<'a> {
    /// The dead letter as it was claimed.
    pub letter: &'a StoredDeadLetter,
    /// The claim under which it was retried.
    pub claim: &'a ClaimId,
    /// The state that the outcome leads to.
    pub settlement: &'a RetrySettlement,
    /// The limit of retries.
    pub max_retries: u32,
    /// The failure, if the retry failed.
    pub failure: Option<&'a Failure>,
}

impl DeadLetters {
    /// Stores the outcome of a retry.
    pub async fn settle(&self, update: RetryUpdate<'_>, now: Timestamp) -> Result<SettleOutcome, StoreError> {
        let RetryUpdate { letter, claim, .. } = update;
        if update.settlement.given_up {
            // The log first: after a crash, a repetition still finds the letter unchanged.
            self.abandon_log(letter).await?;
        }
        let stored = self.change(claimed_under(letter, claim), update.change(now)).await?;
        Ok(if stored {
            SettleOutcome::Stored
        } else {
            SettleOutcome::ClaimLost
        })
    }

    /// Releases an untried dead letter into its state before the claim.
    pub async fn give_back(
        &self,
        letter: &StoredDeadLetter,
        claim: &ClaimId,
        before: &RetryProgress,
        now: Timestamp,
    ) -> Result<SettleOutcome, StoreError> {
        let change = state_update(letter, before, now);
        let stored = self.change(claimed_under(letter, claim), change.into()).await?;
        Ok(if stored {
            SettleOutcome::Stored
        } else {
            SettleOutcome::ClaimLost
        })
    }

    /// A letter that is given up gets no more retries: its log has to say so.
    pub(super) async fn abandon_log(&self, letter: &StoredDeadLetter) -> Result<(), StoreError> {
        let retrying = doc! {
            "_id": object_id(letter.letter.id.0),
            "orgId": letter.letter.org_id.0,
            "status": DeliveryStatus::Retrying.as_str(),
        };
        announce_log(&self.database, letter.letter.org_id, letter.letter.id).await?;
        let abandoned = doc! { "$set": { "status": DeliveryStatus::Abandoned.as_str() } };
        let logs = self.database.collection::<Document>(DELIVERY_LOGS);
        self.database.within(logs.update_one(retrying, abandoned)).await?;
        Ok(())
    }
}

impl RetryUpdate<'_> {
    fn change(&self, now: Timestamp) -> Document {
        let RetrySettlement { after, given_up } = self.settlement;
        let tried = after.retries > self.letter.retry_progress.retries;
        let Change { mut set, mut unset } = state_update(self.letter, after, now);
        set.insert("maxRetries", i64::from(self.max_retries));
        if let Some(failure) = self.failure {
            set.extend(doc! { "lastError": &failure.message, "errorCategory": failure.category.as_str() });
        }
        if *given_up {
            set.insert("alertOwed", true);
        }
        if self.letter.redrive.is_some() && (tried || *given_up) {
            set.insert("redriveOutcome", outcome(&after.state));
            unset.insert("redriveOpen", "");
        }
        let mut change = Document::from(Change { set, unset });
        change.insert("$inc", doc! { "attemptCount": i64::from(tried) });
        change
    }
}

/// The outcome that a redrive counts.
fn outcome(state: &DeadLetterState) -> &'static str {
    match state {
        DeadLetterState::Resolved { .. } => super::redriven::DELIVERED,
        DeadLetterState::Pending { .. }
        | DeadLetterState::Held
        | DeadLetterState::Retrying { .. }
        | DeadLetterState::Abandoned { .. } => super::redriven::FAILED,
    }
}
