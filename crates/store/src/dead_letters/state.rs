//! The retry state of a dead letter as stored: `status` and `nextRetryAt` beside the letter, the rest in `redelivery`.

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterStatus};
use ig_core::dead_letter_retry::{ClaimId, DeadLetterState, RetryProgress};
use ig_core::id::LogId;
use ig_core::ports::StoreError;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use super::StoredDeadLetter;
use crate::error::unreadable;
use crate::field::{date, object_id};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetryDocument {
    #[serde(default)]
    retries: i64,
    #[serde(default)]
    by_hand: bool,
    claim_id: Option<String>,
    reason: Option<String>,
    delivery_log_id: Option<ObjectId>,
}

impl RetryDocument {
    pub(super) fn read(self, letter: &DeadLetter) -> Result<RetryProgress, StoreError> {
        let Self {
            retries,
            by_hand,
            claim_id,
            reason,
            delivery_log_id,
        } = self;
        let state = match (letter.status, letter.next_retry_at) {
            (DeadLetterStatus::PendingRetry, Some(due_at)) => DeadLetterState::Pending { due_at },
            (DeadLetterStatus::PendingRetry, None) => DeadLetterState::Held,
            // Without an end and a holder, the claim could never expire.
            (DeadLetterStatus::Retrying, until) => DeadLetterState::Retrying {
                claim: ClaimId(claim_id.unwrap_or_default()),
                until: until.unwrap_or(letter.created_at),
            },
            (DeadLetterStatus::Abandoned, _) => DeadLetterState::Abandoned {
                reason: reason.unwrap_or_else(|| letter.last_error.clone()),
            },
            (DeadLetterStatus::Resolved, _) => DeadLetterState::Resolved {
                log: delivery_log_id.map_or(letter.id, |id| LogId(id.bytes())),
            },
        };
        Ok(RetryProgress {
            state,
            retries: u32::try_from(retries).map_err(|_| unreadable("redelivery.retries"))?,
            manual: by_hand,
        })
    }
}

/// An update of a dead letter's state: the fields to set and the fields to remove.
pub(super) struct Change {
    pub(super) set: Document,
    pub(super) unset: Document,
}

impl From<Change> for Document {
    fn from(Change { set, unset }: Change) -> Self {
        let mut change = doc! { "$set": set };
        if !unset.is_empty() {
            change.insert("$unset", unset);
        }
        change
    }
}

/// The update that stores this state. A letter gets its expiry when it is settled, and has none before.
pub(super) fn state_update(stored: &StoredDeadLetter, progress: &RetryProgress, now: Timestamp) -> Change {
    let mut set = state_fields(progress, now);
    let mut unset = Document::new();
    match stored.keep_for.filter(|_| progress.state.status().is_settled()) {
        Some(keep_for) => set.insert("expiresAt", date(now + keep_for)),
        None => unset.insert("expiresAt", ""),
    };
    Change { set, unset }
}

fn state_fields(progress: &RetryProgress, now: Timestamp) -> Document {
    let RetryProgress { state, retries, manual } = progress;
    let (mut due, mut claim, mut why, mut log) = (Bson::Null, Bson::Null, Bson::Null, Bson::Null);
    match state {
        DeadLetterState::Pending { due_at } => due = date(*due_at).into(),
        DeadLetterState::Held => {}
        DeadLetterState::Retrying { claim: current, until } => (due, claim) = (date(*until).into(), current.0.as_str().into()),
        DeadLetterState::Abandoned { reason } => why = reason.as_str().into(),
        DeadLetterState::Resolved { log: id } => log = object_id(id.0).into(),
    }
    doc! {
        "status": state.status().as_str(),
        "nextRetryAt": due,
        "redelivery": {
            "retries": i64::from(*retries),
            "byHand": manual,
            "claimId": claim,
            "reason": why,
            "deliveryLogId": log,
        },
        "updatedAt": date(now),
    }
}

/// Matches a dead letter whose state has not changed since it was read.
pub(super) fn as_read(stored: &StoredDeadLetter) -> Document {
    let mut filter = identity(stored);
    filter.insert("status", stored.retry_progress.state.status().as_str());
    filter.insert("updatedAt", date(stored.updated_at));
    if let DeadLetterState::Retrying { claim, until } = &stored.retry_progress.state {
        filter.extend(doc! { CLAIM: &claim.0, "nextRetryAt": date(*until) });
    }
    filter
}

/// Matches a dead letter that is still claimed under this claim.
pub(super) fn claimed_under(stored: &StoredDeadLetter, claim: &ClaimId) -> Document {
    let mut filter = identity(stored);
    filter.extend(doc! { "status": DeadLetterStatus::Retrying.as_str(), CLAIM: &claim.0 });
    filter
}

/// The field of the claim's identifier.
pub(super) const CLAIM: &str = "redelivery.claimId";

fn identity(stored: &StoredDeadLetter) -> Document {
    doc! { "_id": object_id(stored.letter.id.0), "orgId": stored.letter.org_id.0 }
}
