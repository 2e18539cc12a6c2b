//! Claims: which process retries which dead letters.
//!
//! A batch is found by narrow bounds, claimed by `_id` provided that it is still due, and read by its claim. The end of
//! a claim is stored in the field that holds when a letter is due: from either time on, any process may claim it.

use std::collections::BTreeMap;

use chrono::DateTime;
use ig_core::clock::Timestamp;
use ig_core::dead_letter::DeadLetterStatus;
use ig_core::dead_letter_retry::{CLAIM_LEASE, ClaimId, DueDeadLetter};
use ig_core::id::{IntegrationId, LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::document::DeadLetterDocument;
use super::state::CLAIM;
use super::{DeadLetters, StoredDeadLetter};
use crate::field::{date, object_id, timestamp};
use crate::stored::Stored;

#[derive(Debug, Deserialize)]
struct OrgCount {
    #[serde(rename = "_id")]
    org_id: i64,
    count: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DueDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    integration_config_id: ObjectId,
    next_retry_at: bson::DateTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NextDue {
    next_retry_at: bson::DateTime,
}

impl DeadLetters {
    /// The number of due dead letters of each organisation, without those of busy integrations.
    pub async fn due(&self, now: Timestamp, busy: &[IntegrationId]) -> Result<BTreeMap<OrgId, usize>, StoreError> {
        let by_org = doc! { "$group": { "_id": "$orgId", "count": { "$sum": 1_i64 } } };
        let letters = self.letters::<Document>();
        let pipeline = [doc! { "$match": due_without(now, busy) }, by_org];
        let counted = letters.aggregate(pipeline).with_type::<Stored<OrgCount>>();
        let counted = self.database.all(counted).await?;
        let count = |counted: OrgCount| (OrgId(counted.org_id), usize::try_from(counted.count).unwrap_or(0));
        Ok(counted.into_iter().map(count).collect())
    }

    /// An organisation's dead letters that have been due longest, with their integrations; busy integrations are left out.
    pub async fn longest_due(
        &self,
        org: OrgId,
        now: Timestamp,
        busy: &[IntegrationId],
        limit: usize,
    ) -> Result<Vec<(DueDeadLetter, IntegrationId)>, StoreError> {
        let mut filter = due_without(now, busy);
        filter.insert("orgId", org.0);
        let letters = self.letters::<DueDocument>();
        let find = letters
            .find(filter)
            .sort(doc! { "nextRetryAt": 1, "_id": 1 })
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .projection(doc! { "nextRetryAt": 1, "integrationConfigId": 1 });
        let candidate = |due: DueDocument| {
            let candidate = DueDeadLetter {
                org_id: org,
                due_at: timestamp(due.next_retry_at),
                id: LogId(due.id.bytes()),
            };
            (candidate, IntegrationId(due.integration_config_id.bytes()))
        };
        Ok(self.database.all(find).await?.into_iter().map(candidate).collect())
    }

    /// The earliest due time within a range that excludes its start and includes its end.
    pub async fn earliest(&self, after: Timestamp, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let filter = doc! {
            "status": DeadLetterStatus::PendingRetry.as_str(),
            "nextRetryAt": { "$gt": date(after), "$lte": date(until) },
            "redriveOpen": { "$ne": true },
        };
        let letters = self.letters::<NextDue>();
        let find = letters
            .find_one(filter)
            .sort(doc! { "nextRetryAt": 1 })
            .projection(doc! { "nextRetryAt": 1 });
        let found = self.database.within(find).await?;
        Ok(found.map(|next| timestamp(next.next_retry_at)))
    }

    /// Claims those of these dead letters that are still due, and returns them as claimed.
    pub async fn claim_due(
        &self,
        due: &[DueDeadLetter],
        claim: &ClaimId,
        now: Timestamp,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = due.iter().map(|candidate| object_id(candidate.id.0)).collect();
        let mut still_due = is_due(now);
        still_due.insert("_id", doc! { "$in": &ids });
        let claimed = doc! { "$set": {
            "status": DeadLetterStatus::Retrying.as_str(),
            CLAIM: &claim.0,
            "nextRetryAt": date(now + CLAIM_LEASE),
            "updatedAt": date(now),
        } };
        let letters = self.letters::<DeadLetterDocument<'static>>();
        self.database.within(letters.update_many(still_due, claimed)).await?;
        let find = letters.find(doc! { "_id": { "$in": ids }, CLAIM: &claim.0 });
        let claimed = self.database.all(find).await?;
        claimed.into_iter().map(StoredDeadLetter::try_from).collect()
    }

    /// Extends a claim on those of these dead letters that it still holds.
    pub async fn renew(&self, ids: &[LogId], claim: &ClaimId, now: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let claimed = doc! { "_id": { "$in": ids }, "status": DeadLetterStatus::Retrying.as_str(), CLAIM: &claim.0 };
        let longer = doc! { "$set": { "nextRetryAt": date(now + CLAIM_LEASE) } };
        let letters = self.letters::<Document>();
        self.database.within(letters.update_many(claimed, longer)).await?;
        Ok(())
    }

    /// Whether this claim is the current one of a dead letter.
    pub async fn is_claimed_by(&self, org: OrgId, id: LogId, claim: &ClaimId) -> Result<bool, StoreError> {
        let claimed = doc! {
            "_id": object_id(id.0),
            "orgId": org.0,
            "status": DeadLetterStatus::Retrying.as_str(),
            CLAIM: &claim.0,
        };
        let letters = self.letters::<Document>();
        let found = letters.find_one(claimed).projection(doc! { "_id": 1 });
        Ok(self.database.within(found).await?.is_some())
    }
}

fn due_without(now: Timestamp, busy: &[IntegrationId]) -> Document {
    let mut due = is_due(now);
    if !busy.is_empty() {
        let busy: Vec<_> = busy.iter().map(|id| object_id(id.0)).collect();
        due.insert("integrationConfigId", doc! { "$nin": busy });
    }
    due
}

/// Due without a redrive: a letter queued in a redrive belongs to the redrive, and a held one has no due time.
fn is_due(now: Timestamp) -> Document {
    doc! {
        "status": { "$in": [DeadLetterStatus::PendingRetry.as_str(), DeadLetterStatus::Retrying.as_str()] },
        "nextRetryAt": { "$gt": date(DateTime::UNIX_EPOCH), "$lte": date(now) },
        "redriveOpen": { "$ne": true },
    }
}
