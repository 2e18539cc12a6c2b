//! What came of a retry, stored by whoever holds the dead letter.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::DeliveryStatus;
use ig_core::outcome::Failure;
use ig_core::ports::StoreError;
use ig_core::redelivery::{ClaimId, Redelivery, Settlement, Standing};
use mongodb::bson::{Document, doc};

use super::standing::{Change, held, standing};
use super::{DeadLetters, KeptLetter};
use crate::delivery_tallies::announce_log;
use crate::field::object_id;
use crate::names::DELIVERY_LOGS;

/// Whether what came of a retry was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Stored,
    /// The claim had ended: whoever holds the dead letter now tells what comes of it.
    Fenced,
}

/// What came of a retry.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    /// The dead letter as it was claimed.
    pub letter: &'a KeptLetter,
    /// The claim under which it was tried.
    pub claim: &'a ClaimId,
    /// Where it stands from now on.
    pub settlement: &'a Settlement,
    /// How often it is tried.
    pub max_retries: u32,
    /// What went wrong, where it was tried and failed.
    pub failure: Option<&'a Failure>,
}

impl DeadLetters {
    /// Stores what came of a retry.
    pub async fn settle(&self, settling: Settling<'_>, now: Timestamp) -> Result<Settled, StoreError> {
        let Settling { letter, claim, .. } = settling;
        if settling.settlement.given_up {
            // The log first: whoever repeats this after a crash finds the letter as it was.
            self.abandon_log(letter).await?;
        }
        let stored = self.change(held(letter, claim), settling.change(now)).await?;
        Ok(if stored { Settled::Stored } else { Settled::Fenced })
    }

    /// Gives a dead letter back untried, to stand as it stood before it was claimed.
    pub async fn give_back(
        &self,
        letter: &KeptLetter,
        claim: &ClaimId,
        before: &Redelivery,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let change = standing(letter, before, now);
        let stored = self.change(held(letter, claim), change.into()).await?;
        Ok(if stored { Settled::Stored } else { Settled::Fenced })
    }

    /// What is given up will not be retried: its log says so too.
    pub(super) async fn abandon_log(&self, letter: &KeptLetter) -> Result<(), StoreError> {
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

impl Settling<'_> {
    fn change(&self, now: Timestamp) -> Document {
        let Settlement { after, given_up } = self.settlement;
        let tried = after.retries > self.letter.redelivery.retries;
        let Change { mut set, mut unset } = standing(self.letter, after, now);
        set.insert("maxRetries", i64::from(self.max_retries));
        if let Some(failure) = self.failure {
            set.extend(doc! { "lastError": &failure.message, "errorCategory": failure.category.as_str() });
        }
        if *given_up {
            set.insert("alertOwed", true);
        }
        if self.letter.redrive.is_some() && (tried || *given_up) {
            set.insert("redriveOutcome", outcome(&after.standing));
            unset.insert("redriveOpen", "");
        }
        let mut change = Document::from(Change { set, unset });
        change.insert("$inc", doc! { "attemptCount": i64::from(tried) });
        change
    }
}

/// What a redrive counts it as.
fn outcome(standing: &Standing) -> &'static str {
    match standing {
        Standing::Resolved { .. } => super::redriven::DELIVERED,
        Standing::Pending { .. } | Standing::Held | Standing::Retrying { .. } | Standing::Abandoned { .. } => {
            super::redriven::FAILED
        }
    }
}
