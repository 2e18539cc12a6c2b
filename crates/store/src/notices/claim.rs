//! Claims on the queues of channels.

use std::time::Duration;

use ig_core::alert::{ChannelId, Pace};
use ig_core::clock::Timestamp;
use ig_core::dead_letter_retry::ClaimId;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

use super::Notices;
use super::queue::QueueDocument;
use crate::field::{date, object_id};

/// How long a claim lasts without a renewal: longer than one attempt to send may take.
const LEASE: Duration = Duration::from_secs(90);
/// How many due queues one look finds.
const MAX_FOUND: i64 = 100;

/// One process holds a channel's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueClaim {
    /// The channel.
    pub channel: ChannelId,
    /// Its tenant; `None` for the platform.
    pub org_id: Option<OrgId>,
    /// How fast it was used.
    pub pace: Pace,
    /// Whether its last notice could not be sent.
    pub failing: bool,
    pub(super) claim: ClaimId,
    pub(super) nudges: i64,
    pub(super) keep_for_ms: i64,
}

#[derive(Debug, Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl QueueClaim {
    pub(super) fn identity(&self) -> Document {
        doc! { "_id": object_id(self.channel.0), "claimId": &self.claim.0 }
    }

    fn of(stored: QueueDocument, claim: &ClaimId) -> Self {
        let QueueDocument {
            id,
            org_id,
            nudges,
            keep_for_ms,
            failing,
            pace,
        } = stored;
        Self {
            channel: ChannelId(id.bytes()),
            org_id: org_id.map(OrgId),
            pace: pace.map(Pace::from).unwrap_or_default(),
            failing: failing.unwrap_or_default(),
            claim: claim.clone(),
            nudges,
            keep_for_ms,
        }
    }
}

impl Notices {
    /// Claims up to `limit` queues that are due and free; `claim` makes a fresh identifier for each.
    pub async fn claim(
        &self,
        mut claim: impl FnMut() -> ClaimId + Send,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<QueueClaim>, StoreError> {
        let queues = self.queues::<Id>();
        let due = queues
            .find(doc! { "nextAt": { "$lte": date(now) }, "claimUntil": { "$lte": date(now) } })
            .sort(doc! { "nextAt": 1 })
            .limit(MAX_FOUND)
            .projection(doc! { "_id": 1 });
        let mut claimed = Vec::new();
        for Id { id } in self.database.all(due).await? {
            if claimed.len() >= limit {
                break;
            }
            claimed.extend(self.claim_one(id, &claim(), now).await?);
        }
        Ok(claimed)
    }

    async fn claim_one(&self, id: ObjectId, claim: &ClaimId, now: Timestamp) -> Result<Option<QueueClaim>, StoreError> {
        let queues = self.queues::<QueueDocument>();
        let free = doc! { "_id": id, "nextAt": { "$lte": date(now) }, "claimUntil": { "$lte": date(now) } };
        let ours = doc! { "$set": { "claimId": &claim.0, "claimUntil": date(now + LEASE) } };
        let claimed = queues.find_one_and_update(free, ours).return_document(ReturnDocument::After);
        let claimed = self.database.within(claimed).await?;
        Ok(claimed.map(|stored| QueueClaim::of(stored, claim)))
    }

    /// Extends a claim and reads the queue anew; `None` where another process holds it.
    pub async fn renew(&self, held: &QueueClaim, now: Timestamp) -> Result<Option<QueueClaim>, StoreError> {
        let queues = self.queues::<QueueDocument>();
        let longer = doc! { "$set": { "claimUntil": date(now + LEASE) } };
        let renewed = queues
            .find_one_and_update(held.identity(), longer)
            .return_document(ReturnDocument::After);
        let renewed = self.database.within(renewed).await?;
        Ok(renewed.map(|stored| QueueClaim::of(stored, &held.claim)))
    }

    /// Gives a queue back until it is next due; false where a notice was added since the claim was last renewed, or the claim is over.
    pub async fn release(&self, held: &QueueClaim, next: Option<Timestamp>, now: Timestamp) -> Result<bool, StoreError> {
        let mut unchanged = held.identity();
        unchanged.insert("nudges", held.nudges);
        let mut free = doc! { "claimId": "", "claimUntil": date(now) };
        let release = if let Some(next) = next {
            free.insert("nextAt", date(next));
            doc! { "$set": free }
        } else {
            doc! { "$set": free, "$unset": { "nextAt": "" } }
        };
        let queues = self.queues::<Document>();
        let released = self.database.within(queues.update_one(unchanged, release)).await?;
        Ok(released.matched_count > 0)
    }

    /// Deletes the queue of a channel that is gone; false where a notice was added since the claim was last renewed, or the claim is over.
    pub async fn forget(&self, held: &QueueClaim) -> Result<bool, StoreError> {
        let mut unchanged = held.identity();
        unchanged.insert("nudges", held.nudges);
        let queues = self.queues::<Document>();
        let deleted = self.database.within(queues.delete_one(unchanged)).await?;
        Ok(deleted.deleted_count > 0)
    }

    /// Stores whether the last notice of a channel could be sent.
    pub async fn set_failing(&self, held: &QueueClaim, failing: bool) -> Result<(), StoreError> {
        let queues = self.queues::<Document>();
        let set = doc! { "$set": { "failing": failing } };
        self.database.within(queues.update_one(held.identity(), set)).await.map(drop)
    }
}
