//! The retry state of a dead letter as stored: `status` and `nextRetryAt` beside the letter, the rest in `redelivery`.

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetter, DeadLetterStatus};
use ig_core::id::LogId;
use ig_core::ports::StoreError;
use ig_core::redelivery::{ClaimId, DeadLetterState, Redelivery};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use super::KeptLetter;
use crate::error::unreadable;
use crate::field::{date, object_id};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedeliveryDocument {
    #[serde(default)]
    retries: i64,
    #[serde(default)]
    by_hand: bool,
    claim_id: Option<String>,
    reason: Option<String>,
    delivery_log_id: Option<ObjectId>,
}

impl RedeliveryDocument {
    pub(super) fn read(self, letter: &DeadLetter) -> Result<Redelivery, StoreError> {
        let Self {
            retries,
            by_hand,
            claim_id,
            reason,
            delivery_log_id,
        } = self;
        let standing = match (letter.status, letter.next_retry_at) {
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
        Ok(Redelivery {
            standing,
            retries: u32::try_from(retries).map_err(|_| unreadable("redelivery.retries"))?,
            by_hand,
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
pub(super) fn standing(kept: &KeptLetter, redelivery: &Redelivery, now: Timestamp) -> Change {
    let mut set = stood(redelivery, now);
    let mut unset = Document::new();
    match kept.keep_for.filter(|_| redelivery.standing.status().is_settled()) {
        Some(keep_for) => set.insert("expiresAt", date(now + keep_for)),
        None => unset.insert("expiresAt", ""),
    };
    Change { set, unset }
}

fn stood(redelivery: &Redelivery, now: Timestamp) -> Document {
    let Redelivery {
        standing,
        retries,
        by_hand,
    } = redelivery;
    let (mut due, mut claim, mut why, mut log) = (Bson::Null, Bson::Null, Bson::Null, Bson::Null);
    match standing {
        DeadLetterState::Pending { due_at } => due = date(*due_at).into(),
        DeadLetterState::Held => {}
        DeadLetterState::Retrying { claim: held, until } => (due, claim) = (date(*until).into(), held.0.as_str().into()),
        DeadLetterState::Abandoned { reason } => why = reason.as_str().into(),
        DeadLetterState::Resolved { log: id } => log = object_id(id.0).into(),
    }
    doc! {
        "status": standing.status().as_str(),
        "nextRetryAt": due,
        "redelivery": {
            "retries": i64::from(*retries),
            "byHand": by_hand,
            "claimId": claim,
            "reason": why,
            "deliveryLogId": log,
        },
        "updatedAt": date(now),
    }
}

/// Matches a dead letter whose state has not changed since it was read.
pub(super) fn as_read(kept: &KeptLetter) -> Document {
    let mut filter = this(kept);
    filter.insert("status", kept.redelivery.standing.status().as_str());
    filter.insert("updatedAt", date(kept.updated_at));
    if let DeadLetterState::Retrying { claim, until } = &kept.redelivery.standing {
        filter.extend(doc! { CLAIM: &claim.0, "nextRetryAt": date(*until) });
    }
    filter
}

/// Matches a dead letter that is still held under a claim.
pub(super) fn held(kept: &KeptLetter, claim: &ClaimId) -> Document {
    let mut filter = this(kept);
    filter.extend(doc! { "status": DeadLetterStatus::Retrying.as_str(), CLAIM: &claim.0 });
    filter
}

/// The field of the claim's identifier.
pub(super) const CLAIM: &str = "redelivery.claimId";

fn this(kept: &KeptLetter) -> Document {
    doc! { "_id": object_id(kept.letter.id.0), "orgId": kept.letter.org_id.0 }
}
