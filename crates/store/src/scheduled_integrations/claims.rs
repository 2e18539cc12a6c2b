//! Due deliveries, claims on them, and their ends.
//!
//! A claim's identifier is unique to one claim, and every write of its holder names it: after the lease, a write is
//! refused, whether or not another process has claimed the delivery since.

use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::ports::StoreError;
use ig_core::scheduled::{DueDelivery, OccurrenceOutcome, ScheduledDelivery, ScheduledStatus};
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::Deserialize;

use super::document::{CancellationDocument, ScheduledDocument};
use super::{ScheduledDeliveries, manual_cancellation};
use crate::field::{date, object_id, timestamp, unsigned};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DueDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    integration_config_id: ObjectId,
    due_at: bson::DateTime,
    payload_bytes: i64,
}

impl From<DueDocument> for DueDelivery {
    fn from(stored: DueDocument) -> Self {
        Self {
            id: ScheduledId(stored.id.bytes()),
            org_id: OrgId(stored.org_id),
            integration: IntegrationId(stored.integration_config_id.bytes()),
            due_at: timestamp(stored.due_at),
            payload_bytes: usize::try_from(unsigned(stored.payload_bytes)).unwrap_or(usize::MAX),
        }
    }
}

/// A claim on deliveries, with its lease.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryClaim<'a> {
    /// Unique to this claim.
    pub id: &'a str,
    /// When it was made or extended.
    pub now: Timestamp,
    /// When its lease ends.
    pub until: Timestamp,
}

impl ScheduledDeliveries {
    /// Deliveries that became due after one time and up to another, oldest first, without those of some organisations.
    pub async fn due(
        &self,
        after: Timestamp,
        until: Timestamp,
        without: &[OrgId],
        limit: usize,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let mut filter = doc! { "dueAt": { "$gt": date(after), "$lte": date(until) } };
        if !without.is_empty() {
            let without: Vec<_> = without.iter().map(|org| org.0).collect();
            filter.insert("orgId", doc! { "$nin": without });
        }
        self.find_due(filter, doc! { "dueAt": 1 }, limit).await
    }

    /// An organisation's due deliveries, oldest first.
    pub async fn due_of(&self, org: OrgId, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        let filter = doc! {
            "orgId": org.0,
            "status": ScheduledStatus::Pending.as_str(),
            "scheduledFor": { "$lte": date(now) },
            "dueAt": { "$lte": date(now) },
        };
        self.find_due(filter, doc! { "scheduledFor": 1, "_id": 1 }, limit).await
    }

    async fn find_due(&self, filter: Document, order: Document, limit: usize) -> Result<Vec<DueDelivery>, StoreError> {
        let fields = doc! { "orgId": 1, "integrationConfigId": 1, "dueAt": 1, "payloadBytes": 1 };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows::<DueDocument>();
        let find = rows.find(filter).sort(order).limit(limit).projection(fields);
        let found = self.database.all(find).await?;
        Ok(found.into_iter().map(DueDelivery::from).collect())
    }

    /// The first due time after one time and up to another; narrow bounds keep this fast.
    pub async fn earliest(&self, after: Timestamp, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let first = self.due(after, until, &[], 1).await?;
        Ok(first.first().map(|due| due.due_at))
    }

    /// Claims those of these deliveries that are still due, and reads them.
    pub async fn claim(&self, ids: &[ScheduledId], claim: DeliveryClaim<'_>) -> Result<Vec<ScheduledDelivery>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let still_due = doc! { "_id": { "$in": &ids }, "dueAt": { "$lte": date(claim.now) } };
        let ours = doc! { "$set": { "claimId": claim.id, "dueAt": date(claim.until) } };
        self.database
            .within(self.rows::<Document>().update_many(still_due, ours))
            .await?;
        let claimed = doc! { "_id": { "$in": ids }, "claimId": claim.id };
        let found = self
            .database
            .all(self.rows::<ScheduledDocument<'static>>().find(claimed))
            .await?;
        found.into_iter().map(ScheduledDelivery::try_from).collect()
    }

    /// Extends a claim on those of these deliveries that it still holds.
    pub async fn renew(&self, ids: &[ScheduledId], claim: DeliveryClaim<'_>) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let held = doc! { "_id": { "$in": ids }, "claimId": claim.id, "dueAt": { "$gt": date(claim.now) } };
        let longer = doc! { "$set": { "dueAt": date(claim.until) } };
        self.database
            .within(self.rows::<Document>().update_many(held, longer))
            .await?;
        Ok(())
    }

    /// Releases a claim; its deliveries are due again at `due_at`.
    pub async fn release(&self, ids: &[ScheduledId], claim_id: &str, due_at: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let held = doc! { "_id": { "$in": ids }, "claimId": claim_id };
        let free = doc! { "$set": { "dueAt": date(due_at) }, "$unset": { "claimId": "" } };
        self.database.within(self.rows::<Document>().update_many(held, free)).await?;
        Ok(())
    }

    /// Stores the end of a delivery. If it `owes` a successor, it stays claimed: after the lease, another process finds
    /// it and plans the successor. Returns false if the lease is over or the delivery was cancelled.
    pub async fn settle(
        &self,
        delivery: &ScheduledDelivery,
        settlement: &OccurrenceOutcome,
        claim: DeliveryClaim<'_>,
        owes: bool,
    ) -> Result<bool, StoreError> {
        let mut set = doc! {
            "status": settlement.status().as_str(),
            "updatedAt": date(claim.now),
            "expiresAt": date(claim.now + delivery.keep_for),
        };
        match settlement {
            OccurrenceOutcome::Completed => {}
            OccurrenceOutcome::Failed(error) => drop(set.insert("errorMessage", error)),
            OccurrenceOutcome::Cancelled(reason) => {
                let cancellation = manual_cancellation(reason, claim.now);
                set.insert("cancellationInfo", CancellationDocument::from(&cancellation).to_bson()?);
            }
        }
        let mut update = doc! { "$set": set };
        if !owes {
            update.insert("$unset", doc! { "dueAt": "", "claimId": "" });
        }
        let guard = claimed_filter(&[delivery.id], claim);
        let updated = self
            .database
            .within(self.rows::<Document>().update_one(guard, update))
            .await?;
        Ok(updated.matched_count > 0)
    }

    /// Marks deliveries with the same retention as completed without successors, except those whose lease is over or
    /// that were cancelled; returns false if there were such exceptions.
    pub async fn complete(
        &self,
        ids: &[ScheduledId],
        keep_for: std::time::Duration,
        claim: DeliveryClaim<'_>,
    ) -> Result<bool, StoreError> {
        let update = doc! {
            "$set": {
                "status": ScheduledStatus::Completed.as_str(),
                "updatedAt": date(claim.now),
                "expiresAt": date(claim.now + keep_for),
            },
            "$unset": { "dueAt": "", "claimId": "" },
        };
        let rows = self.rows::<Document>();
        let updated = self
            .database
            .within(rows.update_many(claimed_filter(ids, claim), update))
            .await?;
        Ok(updated.matched_count == ids.len() as u64)
    }

    /// Plans the successor that a settled delivery owes, exactly once even if repeated, and releases the delivery.
    pub async fn succeed(
        &self,
        settled: ScheduledId,
        claim_id: &str,
        successor: Option<&ScheduledDelivery>,
    ) -> Result<(), StoreError> {
        if let Some(successor) = successor {
            self.plan(&[successor]).await?;
        }
        let owed = doc! { "_id": object_id(settled.0), "claimId": claim_id };
        let done = doc! { "$unset": { "dueAt": "", "claimId": "" } };
        self.database.within(self.rows::<Document>().update_one(owed, done)).await?;
        Ok(())
    }
}

/// Matches pending deliveries under a claim whose lease is not over.
fn claimed_filter(ids: &[ScheduledId], claim: DeliveryClaim<'_>) -> Document {
    let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
    doc! {
        "_id": { "$in": ids },
        "claimId": claim.id,
        "status": ScheduledStatus::Pending.as_str(),
        "dueAt": { "$gt": date(claim.now) },
    }
}
