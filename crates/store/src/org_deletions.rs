//! Organisations that were deleted, and the removal of what they had.
//!
//! The row is written by the transaction that deletes the organisation, and holds its number: nobody is given that while anything of the
//! old one is left. Whoever removes holds the row under a lease and notes how much is gone. One that dies leaves nothing to tidy up: the
//! next begins at the first thing that is still there.

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

use crate::counting::{Count, CountError};
use crate::database::Database;
use crate::error::unreadable;
use crate::field::{date, long, timestamp, unsigned};
use crate::names::{DELIVERY_LOGS, EXECUTION_LOGS, ORG_DELETIONS};
use areas::{AREAS, Area, CONFIGURED};

/// Documents that are removed at once.
const AT_ONCE: usize = 1_000;
/// How long a holder that says nothing keeps what it holds.
const LEASE: Duration = Duration::from_secs(30);
/// How long a pass lasts: others have their turn then.
const PASS: Duration = Duration::from_secs(10);
/// How long an end is remembered.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);
/// How long counting one kind of thing may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// An organisation that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgDeletion {
    /// Its number.
    pub org_id: OrgId,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// How much of what it had is gone, by kind.
    pub removed: BTreeMap<String, u64>,
    /// When all was gone, which set its number free.
    pub done_at: Option<Timestamp>,
}

/// What a pass through all that an organisation may have came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It came to the end, and removed so much.
    Whole(u64),
    /// There is more than one pass removes.
    Unfinished,
    /// Somebody else removes it now.
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
    /// When somebody may take it on: a lease that ends, or the next pass.
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

/// The organisations that were deleted.
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

    /// Takes on one whose time it is and that nobody removes.
    pub async fn claim(&self, holder: &str, now: Timestamp) -> Result<Option<OrgDeletion>, StoreError> {
        let deletions = self.database.collection::<OrgDeletionDocument>(ORG_DELETIONS);
        let free = doc! { "doneAt": Bson::Null, "freeAt": { "$lte": date(now) } };
        let held = doc! { "$set": { "holder": holder, "freeAt": date(now + LEASE) } };
        let claimed = deletions
            .find_one_and_update(free, held)
            .sort(doc! { "freeAt": 1 })
            .return_document(ReturnDocument::After);
        Ok(self.database.within(claimed).await?.map(OrgDeletion::from))
    }

    /// Removes what is there of a deleted organisation.
    pub async fn pass(&self, org: OrgId, holder: &str) -> Result<Pass, StoreError> {
        let (until, mut removed) = (Instant::now() + PASS, 0);
        for area in AREAS {
            match self.clear(org, holder, area, until).await? {
                Pass::Whole(some) => removed += some,
                cut @ (Pass::Unfinished | Pass::Lost) => return Ok(cut),
            }
        }
        Ok(Pass::Whole(removed))
    }

    /// Lets go of one until a moment at which it is looked through again.
    pub async fn rest(&self, org: OrgId, holder: &str, until: Timestamp) -> Result<(), StoreError> {
        let rest = doc! { "$set": { "holder": Bson::Null, "freeAt": date(until) } };
        self.change(org, holder, rest).await.map(drop)
    }

    /// Notes that nothing is left, which sets the number free.
    pub async fn finish(&self, org: OrgId, holder: &str, now: Timestamp) -> Result<(), StoreError> {
        let done = doc! { "doneAt": date(now), "holder": Bson::Null, "expiresAt": date(now + REMEMBERED) };
        self.change(org, holder, doc! { "$set": done }).await.map(drop)
    }

    /// How much there is of an organisation, by kind; nothing where that is more than can be counted. What is configured goes with the
    /// organisation itself, so there is none of it afterwards.
    pub async fn remaining(&self, org: OrgId) -> Result<BTreeMap<&'static str, Option<u64>>, StoreError> {
        let all = CONFIGURED.iter().chain(AREAS);
        let counted = all.map(|area| async move { Ok((area.kind, self.count(org, area).await?)) });
        Ok(try_join_all(counted).await?.into_iter().collect())
    }

    async fn count(&self, org: OrgId, area: &Area) -> Result<Option<u64>, StoreError> {
        let count = Count {
            collection: area.collection,
            index: None,
            pipeline: vec![doc! { "$match": area.of(org) }, doc! { "$count": "count" }],
            patience: PATIENCE,
        };
        match self.database.counted::<Counted>(count).await {
            Ok(rows) => Ok(Some(rows.first().map_or(0, |row| unsigned(row.count)))),
            Err(CountError::TooMuch(_)) => Ok(None),
            Err(CountError::Store(error)) => Err(error),
        }
    }

    async fn clear(&self, org: OrgId, holder: &str, area: &Area, until: Instant) -> Result<Pass, StoreError> {
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
                return Ok(Pass::Whole(removed));
            }
            // Between finding and deleting: what a holder finds that was outrun may be the next organisation's already.
            let still = doc! { "$set": { "freeAt": date(chrono::Utc::now() + LEASE) } };
            if !self.change(org, holder, still).await? {
                return Ok(Pass::Lost);
            }
            let gone = self.delete(org, area, ids).await?;
            let noted = doc! { "$inc": { format!("removed.{}", area.kind): long(gone) } };
            self.change(org, holder, noted).await?;
            removed += gone;
            if Instant::now() > until {
                return Ok(Pass::Unfinished);
            }
        }
    }

    async fn delete(&self, org: OrgId, area: &Area, ids: Vec<Bson>) -> Result<u64, StoreError> {
        if area.collection == DELIVERY_LOGS {
            // A trace has its delivery's id, and nothing else by which it is found.
            let traces = self.database.collection::<Document>(EXECUTION_LOGS);
            let theirs = doc! { "_id": { "$in": &ids }, "orgId": org.0 };
            self.database.within(traces.delete_many(theirs)).await?;
        }
        let documents = self.database.collection::<Document>(area.collection);
        let theirs = doc! { "$and": [{ "_id": { "$in": ids } }, area.of(org)] };
        let deleted = self.database.within(documents.delete_many(theirs)).await?;
        Ok(deleted.deleted_count)
    }

    /// Changes one that is held; whether it was.
    async fn change(&self, org: OrgId, holder: &str, change: Document) -> Result<bool, StoreError> {
        let deletions = self.database.collection::<Document>(ORG_DELETIONS);
        let held = doc! { "_id": org.0, "holder": holder, "doneAt": Bson::Null };
        let changed = self.database.within(deletions.update_one(held, change)).await?;
        Ok(changed.matched_count > 0)
    }
}

#[derive(Debug, Deserialize)]
struct Counted {
    count: i64,
}
