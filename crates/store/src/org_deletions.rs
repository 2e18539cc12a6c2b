//! Deleted organisations, and the removal of their data.
//!
//! The transaction that deletes an organisation inserts a row, which reserves the organisation's number until none of
//! its data is left. A process that removes data holds the row under a lease and records its progress. If it dies,
//! nothing needs a cleanup: the next holder continues with the first data that still exists.

mod areas;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use futures::future::try_join_all;
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::options::ReturnDocument;
use serde::{Deserialize, Serialize};

use crate::aggregation::{Aggregation, CountError};
use crate::data_connections::DataConnections;
use crate::database::Database;
use crate::error::unreadable;
use crate::field::{date, long, timestamp, unsigned};
use crate::names::{DELIVERY_LOGS, EXECUTION_LOGS, ORG_DELETIONS};
use areas::{AREAS, Area, CONFIGURED, GRANTS};

/// Documents per delete.
const AT_ONCE: usize = 1_000;
/// How long a holder keeps the row without a renewal.
const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How long a pass lasts, before others get their turn.
const PASS_LENGTH: Duration = Duration::from_secs(10);
/// How long a finished deletion is remembered.
const RETENTION: Duration = Duration::from_hours(90 * 24);
/// The deadline for counting one kind of data.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A deleted organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgDeletion {
    /// Its number.
    pub org_id: OrgId,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// Documents removed so far, by kind.
    pub removed: BTreeMap<String, u64>,
    /// When all data was gone and the number became free.
    pub done_at: Option<Timestamp>,
}

/// The result of a pass over all data that an organisation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgePass {
    /// The pass completed and removed this many documents.
    Whole(u64),
    /// More is left than one pass removes.
    Unfinished,
    /// Another process holds the deletion now.
    Lost,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrgDeletionDocument {
    #[serde(rename = "_id")]
    org: i64,
    deleted_at: bson::DateTime,
    removed: BTreeMap<String, i64>,
    done_at: Option<bson::DateTime>,
    holder: Option<String>,
    /// When it may be claimed: at the end of the lease, or at the next pass.
    free_at: bson::DateTime,
}

impl OrgDeletionDocument {
    pub(crate) fn new(org: OrgId) -> Self {
        let now = bson::DateTime::now();
        Self {
            org: org.0,
            deleted_at: now,
            removed: BTreeMap::new(),
            done_at: None,
            holder: None,
            free_at: now,
        }
    }
}

impl From<OrgDeletionDocument> for OrgDeletion {
    fn from(stored: OrgDeletionDocument) -> Self {
        let OrgDeletionDocument {
            org,
            deleted_at,
            removed,
            done_at,
            holder: _,
            free_at: _,
        } = stored;
        Self {
            org_id: OrgId(org),
            deleted_at: timestamp(deleted_at),
            removed: removed.into_iter().map(|(kind, count)| (kind, unsigned(count))).collect(),
            done_at: done_at.map(timestamp),
        }
    }
}

/// The repository of deleted organisations.
#[derive(Debug, Clone)]
pub struct OrgDeletions {
    database: Database,
}

impl OrgDeletions {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The last deletion of a number, while it is remembered.
    pub async fn get(&self, org: OrgId) -> Result<Option<OrgDeletion>, StoreError> {
        let deletions = self.database.collection::<OrgDeletionDocument>(ORG_DELETIONS);
        let found = self.database.within(deletions.find_one(doc! { "_id": org.0 })).await?;
        Ok(found.map(OrgDeletion::from))
    }

    /// Claims a deletion that is due and not held.
    pub async fn claim(&self, holder: &str, now: Timestamp) -> Result<Option<OrgDeletion>, StoreError> {
        let deletions = self.database.collection::<OrgDeletionDocument>(ORG_DELETIONS);
        let free = doc! { "doneAt": Bson::Null, "freeAt": { "$lte": date(now) } };
        let held = doc! { "$set": { "holder": holder, "freeAt": date(now + CLAIM_LEASE) } };
        let claimed = deletions
            .find_one_and_update(free, held)
            .sort(doc! { "freeAt": 1 })
            .return_document(ReturnDocument::After);
        Ok(self.database.within(claimed).await?.map(OrgDeletion::from))
    }

    /// Removes data of a deleted organisation.
    pub async fn pass(&self, org: OrgId, holder: &str) -> Result<PurgePass, StoreError> {
        let (until, mut removed) = (Instant::now() + PASS_LENGTH, 0);
        for area in AREAS {
            match self.clear(org, holder, area, until).await? {
                PurgePass::Whole(some) => removed += some,
                cut @ (PurgePass::Unfinished | PurgePass::Lost) => return Ok(cut),
            }
        }
        match self.revoke_grants(org, holder).await? {
            PurgePass::Whole(some) => Ok(PurgePass::Whole(removed + some)),
            cut @ (PurgePass::Unfinished | PurgePass::Lost) => Ok(cut),
        }
    }

    /// Releases a deletion until its next pass.
    pub async fn rest(&self, org: OrgId, holder: &str, until: Timestamp) -> Result<(), StoreError> {
        let rest = doc! { "$set": { "holder": Bson::Null, "freeAt": date(until) } };
        self.change(org, holder, rest).await.map(drop)
    }

    /// Records that no data is left, which frees the number.
    pub async fn finish(&self, org: OrgId, holder: &str, now: Timestamp) -> Result<(), StoreError> {
        let done = doc! { "doneAt": date(now), "holder": Bson::Null, "expiresAt": date(now + RETENTION) };
        self.change(org, holder, doc! { "$set": done }).await.map(drop)
    }

    /// The amount of an organisation's data by kind; `None` for a kind that cannot be counted in time. Configuration is
    /// deleted with the organisation itself, so afterwards there is none.
    pub async fn remaining(&self, org: OrgId) -> Result<BTreeMap<&'static str, Option<u64>>, StoreError> {
        let all = CONFIGURED.iter().chain(AREAS).chain([&GRANTS]);
        let counted = all.map(|area| async move { Ok((area.kind, self.count(org, area).await?)) });
        Ok(try_join_all(counted).await?.into_iter().collect())
    }

    async fn count(&self, org: OrgId, area: &Area) -> Result<Option<u64>, StoreError> {
        let aggregation = Aggregation {
            collection: area.collection,
            index: None,
            pipeline: vec![doc! { "$match": area.of(org) }, doc! { "$count": "count" }],
            timeout: TIMEOUT,
        };
        match self.database.aggregate::<AreaCount>(aggregation).await {
            Ok(rows) => Ok(Some(rows.first().map_or(0, |row| unsigned(row.count)))),
            Err(CountError::TooMuch(_)) => Ok(None),
            Err(CountError::Store(error)) => Err(error),
        }
    }

    async fn clear(&self, org: OrgId, holder: &str, area: &Area, until: Instant) -> Result<PurgePass, StoreError> {
        let documents = self.database.raw_documents(area.collection);
        let find = documents.find(area.of(org)).projection(doc! { "_id": 1 });
        let mut cursor = self.database.within(find.batch_size(1_000)).await?;
        let mut removed = 0;
        loop {
            let mut ids: Vec<Bson> = Vec::with_capacity(AT_ONCE);
            while ids.len() < AT_ONCE
                && let Some(document) = self.database.within(cursor.try_next()).await?
            {
                let id = document.get("_id").ok().flatten().ok_or_else(|| unreadable("_id"))?;
                ids.push(id.try_into().map_err(|_| unreadable("_id"))?);
            }
            if ids.is_empty() {
                return Ok(PurgePass::Whole(removed));
            }
            // Between finding and deleting: if the lease was lost, the documents found may belong to the next
            // organisation with this number.
            if !self.renew(org, holder).await? {
                return Ok(PurgePass::Lost);
            }
            let deleted = self.delete(org, area, ids).await?;
            self.count_removed(org, holder, area, deleted).await?;
            removed += deleted;
            if Instant::now() > until {
                return Ok(PurgePass::Unfinished);
            }
        }
    }

    /// Takes back what the organisation may use of the platform's connections.
    async fn revoke_grants(&self, org: OrgId, holder: &str) -> Result<PurgePass, StoreError> {
        let connections = DataConnections::new(self.database.clone());
        if !connections.is_granted_any(org).await? {
            return Ok(PurgePass::Whole(0));
        }
        // The next organisation with this number may have been granted connections of its own.
        if !self.renew(org, holder).await? {
            return Ok(PurgePass::Lost);
        }
        let revoked = connections.revoke_all(org).await?;
        self.count_removed(org, holder, &GRANTS, revoked).await?;
        Ok(PurgePass::Whole(revoked))
    }

    /// Renews the lease; returns whether this holder still had it.
    async fn renew(&self, org: OrgId, holder: &str) -> Result<bool, StoreError> {
        let still = doc! { "$set": { "freeAt": date(chrono::Utc::now() + CLAIM_LEASE) } };
        self.change(org, holder, still).await
    }

    async fn count_removed(&self, org: OrgId, holder: &str, area: &Area, removed: u64) -> Result<(), StoreError> {
        let progress = doc! { "$inc": { format!("removed.{}", area.kind): long(removed) } };
        self.change(org, holder, progress).await.map(drop)
    }

    async fn delete(&self, org: OrgId, area: &Area, ids: Vec<Bson>) -> Result<u64, StoreError> {
        if area.collection == DELIVERY_LOGS {
            // A trace is only found by the id that it shares with its delivery.
            let traces = self.database.collection::<Document>(EXECUTION_LOGS);
            let theirs = doc! { "_id": { "$in": &ids }, "orgId": org.0 };
            self.database.within(traces.delete_many(theirs)).await?;
        }
        let documents = self.database.collection::<Document>(area.collection);
        let theirs = doc! { "$and": [{ "_id": { "$in": ids } }, area.of(org)] };
        let deleted = self.database.within(documents.delete_many(theirs)).await?;
        Ok(deleted.deleted_count)
    }

    /// Updates a deletion that this holder still holds; returns whether it did.
    async fn change(&self, org: OrgId, holder: &str, change: Document) -> Result<bool, StoreError> {
        let deletions = self.database.collection::<Document>(ORG_DELETIONS);
        let held = doc! { "_id": org.0, "holder": holder, "doneAt": Bson::Null };
        let changed = self.database.within(deletions.update_one(held, change)).await?;
        Ok(changed.matched_count > 0)
    }
}

#[derive(Debug, Deserialize)]
struct AreaCount {
    count: i64,
}
