//! Partition leases: 64 documents, found by `_id`, changed under a guard of owner and epoch.

mod checkpoints;
mod document;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ig_core::clock::Timestamp;
use ig_core::id::{Position, SourceId};
use ig_core::lease::{Checkpoint, Claim, Lease, MAX_UNSAVED_READ, SourceMarks, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::{PartitionLeases, StoreError};
use ig_core::rewind::Rewind;
use mongodb::bson::{self, Bson, doc};
use mongodb::options::ReturnDocument;

pub(crate) use document::LeaseDocument;
use document::{MemberDocument, OwnedDocument, RewindDocument, SourceDocument};

use crate::database::{Database, Documents};
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long};
use crate::names::{LEASES, MEMBERS};

/// The leases in MongoDB.
#[derive(Debug, Clone)]
pub struct MongoLeases {
    database: Database,
}

impl MongoLeases {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Rewinds a source to a position, in every partition that was read further. Workers lose the partitions that they
    /// hold, and resume from there when they claim them again.
    pub async fn rewind(&self, source: &SourceId, position: Position) -> Result<(), StoreError> {
        self.record_rewind(source, false).await?;
        self.move_back(source, position).await
    }

    /// Rewinds a source whose table was emptied and starts over: ids up to where the earlier table may have come belong
    /// to other events from now on.
    pub async fn start_generation(&self, source: &SourceId, position: Position) -> Result<(), StoreError> {
        self.record_rewind(source, true).await?;
        self.move_back(source, position).await
    }

    /// Written first, so that every worker that reads the rows again knows. Checkpoints may advance in the meantime:
    /// then more rows than necessary are checked for duplicates.
    async fn record_rewind(&self, source: &SourceId, is_new_generation: bool) -> Result<(), StoreError> {
        let Some(marks) = self.source_marks(source).await? else {
            return Ok(());
        };
        let leases = self.list().await?;
        let checkpoints = leases.iter().map(|lease| lease.checkpoints.get(source).copied());
        let checkpoints: Vec<_> = checkpoints.map(|checkpoint| checkpoint.unwrap_or(marks.first)).collect();
        let rewind = Rewind {
            at: Utc::now(),
            generation: marks.generations.current(),
            highest_read: checkpoints.iter().copied().fold(marks.highest_read, Position::max),
            checkpoints,
        };
        let max_id = rewind
            .highest_read
            .max(marks.rewinds.highest_read())
            .saturating_add(MAX_UNSAVED_READ);
        let rewind = bson::serialize_to_bson(&RewindDocument::from(&rewind));
        let mut pushed = doc! { "rewinds": rewind.map_err(|error| StoreError::Refused(error.to_string()))? };
        if is_new_generation {
            pushed.insert("begunAnew", long(max_id));
        }
        let source = doc! { "_id": document::source_id(source) };
        let sources = self.leases::<SourceDocument>();
        self.database
            .within(sources.update_one(source, doc! { "$push": pushed }))
            .await
            .map(drop)
    }

    /// Partitions without a checkpoint since the source began need no move. They are updated first: if a checkpoint is
    /// stored meanwhile, the second update finds it.
    async fn move_back(&self, source: &SourceId, position: Position) -> Result<(), StoreError> {
        let numbers: Vec<i32> = PartitionId::all().map(|partition| i32::from(partition.number())).collect();
        let path = format!("checkpoints.{}", document::field(source));
        let free = doc! {
            "$set": { "owner": Bson::Null, "expiresAt": date(DateTime::UNIX_EPOCH) },
            "$inc": { "epoch": 1_i64 },
        };
        let mut moved = free.clone();
        moved.insert("$min", doc! { &path: long(position) });
        let leases = self.leases::<OwnedDocument>();
        for (has_moved, change) in [(false, free), (true, moved)] {
            let of = doc! { "_id": { "$in": &numbers }, &path: { "$exists": has_moved } };
            self.database.within(leases.update_many(of, change)).await?;
        }
        let marks = doc! { "$min": { "seen": long(position), "position": long(position) } };
        let source = doc! { "_id": document::source_id(source) };
        let sources = self.leases::<SourceDocument>();
        self.database.within(sources.update_one(source, marks)).await.map(drop)
    }

    fn leases<T: Send + Sync + 'static>(&self) -> Documents<T> {
        self.database.collection(LEASES)
    }
}

#[async_trait]
impl PartitionLeases for MongoLeases {
    async fn heartbeat(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<WorkerId>, StoreError> {
        let members = self.database.collection::<MemberDocument>(MEMBERS);
        let alive = doc! { "$set": { "expiresAt": date(now + ttl) } };
        self.database
            .within(members.update_one(doc! { "_id": &worker.0 }, alive).upsert(true))
            .await?;
        let living = self
            .database
            .all(members.find(doc! { "expiresAt": { "$gt": date(now) } }))
            .await?;
        Ok(living.into_iter().map(|member| WorkerId(member.id)).collect())
    }

    async fn leave(&self, worker: &WorkerId) -> Result<(), StoreError> {
        let members = self.database.collection::<MemberDocument>(MEMBERS);
        self.database.within(members.delete_one(doc! { "_id": &worker.0 })).await?;
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Lease>, StoreError> {
        let numbers: Vec<i32> = PartitionId::all().map(|partition| i32::from(partition.number())).collect();
        let leases = self.leases::<LeaseDocument>();
        let find = leases.find(doc! { "_id": { "$in": numbers } }).sort(doc! { "_id": 1 });
        self.database.all(find).await?.into_iter().map(Lease::try_from).collect()
    }

    async fn claim(&self, worker: &WorkerId, partition: PartitionId, now: Timestamp, ttl: Duration) -> Result<Claim, StoreError> {
        let free = doc! {
            "_id": i32::from(partition.number()),
            "$or": [{ "owner": Bson::Null }, { "expiresAt": { "$lte": date(now) } }],
        };
        let ours = doc! { "$set": { "owner": &worker.0, "expiresAt": date(now + ttl) }, "$inc": { "epoch": 1_i64 } };
        let leases = self.leases::<LeaseDocument>();
        let claim = leases.find_one_and_update(free, ours).return_document(ReturnDocument::After);
        match self.database.within(claim).await? {
            Some(lease) => Lease::try_from(lease).map(Claim::Won),
            None => Ok(Claim::Lost),
        }
    }

    async fn renew(&self, worker: &WorkerId, now: Timestamp, ttl: Duration) -> Result<BTreeSet<PartitionId>, StoreError> {
        let held = doc! { "owner": &worker.0, "expiresAt": { "$gt": date(now) } };
        let longer = doc! { "$set": { "expiresAt": date(now + ttl) } };
        let leases = self.leases::<OwnedDocument>();
        self.database.within(leases.update_many(held.clone(), longer)).await?;
        let find = leases.find(held).projection(doc! { "owner": 1, "epoch": 1 });
        self.database
            .all(find)
            .await?
            .into_iter()
            .map(|lease| lease.partition())
            .collect()
    }

    async fn save(&self, worker: &WorkerId, checkpoints: &[Checkpoint]) -> Result<Vec<Checkpoint>, StoreError> {
        self.save_checkpoints(worker, checkpoints).await
    }

    async fn release(&self, worker: &WorkerId, partitions: &[PartitionId]) -> Result<(), StoreError> {
        let numbers: Vec<i32> = partitions.iter().map(|partition| i32::from(partition.number())).collect();
        let ours = doc! { "_id": { "$in": numbers }, "owner": &worker.0 };
        let free = doc! { "$set": { "owner": Bson::Null, "expiresAt": date(DateTime::UNIX_EPOCH) } };
        self.database
            .within(self.leases::<OwnedDocument>().update_many(ours, free))
            .await?;
        Ok(())
    }

    async fn start_source(&self, source: &SourceId, position: Position) -> Result<SourceMarks, StoreError> {
        // An insert, not an upsert: not every server lets only one of several concurrent upserts win.
        let sources = self.leases::<SourceDocument>();
        let begun = SourceDocument::begin(source, position);
        match self.database.raw(sources.insert_one(&begun)).await? {
            Ok(_) => return Ok(begun.marks()),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(store_error(&error)),
        }
        Ok(self.source_marks(source).await?.unwrap_or_else(|| begun.marks()))
    }

    async fn source_marks(&self, source: &SourceId) -> Result<Option<SourceMarks>, StoreError> {
        let sources = self.leases::<SourceDocument>();
        let find = sources.find_one(doc! { "_id": document::source_id(source) });
        Ok(self.database.within(find).await?.map(|source| source.marks()))
    }

    async fn save_highest_read(&self, source: &SourceId, position: Position) -> Result<(), StoreError> {
        let sources = self.leases::<SourceDocument>();
        let saw = doc! { "$max": { "seen": long(position) } };
        let source = doc! { "_id": document::source_id(source) };
        self.database.within(sources.update_one(source, saw)).await?;
        Ok(())
    }
}
