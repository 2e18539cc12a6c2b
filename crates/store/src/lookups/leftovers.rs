//! Inactive generations: recorded before their first row is written, and swept when they are due.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use mongodb::error::Result as Driven;
use serde::{Deserialize, Serialize};

use super::MongoLookups;
use super::tables::{TableDocument, tables_in};
use crate::database::Database;
use crate::field::date;
use crate::names::{LOOKUP_LEFTOVERS, LOOKUP_TABLES, LOOKUPS};

/// The least retention of a generation after it was retired, or after the last update of its import.
pub(super) const LEFTOVER_RETENTION: Duration = Duration::from_mins(10);
/// Rows per delete.
const DELETE_CHUNK: usize = 2_000;

/// A generation without readers, or without them once [`LEFTOVER_RETENTION`] has passed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeftoverDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    due_at: bson::DateTime,
    /// A sweep is under way: the generation can no longer be activated.
    claimed: bool,
}

impl LeftoverDocument {
    pub(super) fn new(id: ObjectId, now: Timestamp) -> Self {
        Self {
            id,
            due_at: date(now + LEFTOVER_RETENTION),
            claimed: false,
        }
    }
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Generations deleted.
    pub generations: u64,
    /// Rows deleted with them.
    pub rows: u64,
}

#[derive(Debug, Deserialize)]
struct IdDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
}

/// Retires tables within a transaction.
pub(crate) async fn retire(database: &Database, session: &mut ClientSession, filter: Document) -> Driven<()> {
    let tables = tables_in(database, session, filter.clone()).await?;
    record_leftovers(database, session, &tables).await?;
    let tables = database.collection::<TableDocument>(LOOKUP_TABLES);
    tables.delete_many(filter).session(session).await?;
    Ok(())
}

/// Schedules the rows of tables for sweeping, within a transaction, for when no read of them can be under way.
pub(super) async fn record_leftovers(database: &Database, session: &mut ClientSession, tables: &[TableDocument]) -> Driven<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let now = chrono::Utc::now();
    let leftovers = tables.iter().map(|table| LeftoverDocument::new(table.generation, now));
    let target = database.collection::<LeftoverDocument>(LOOKUP_LEFTOVERS);
    target.insert_many(leftovers.collect::<Vec<_>>()).session(session).await?;
    Ok(())
}

impl MongoLookups {
    /// Deletes the rows of due generations; several processes may do this at once.
    pub async fn sweep(&self, now: Timestamp) -> Result<Leftovers, StoreError> {
        let leftovers = self.database.collection::<LeftoverDocument>(LOOKUP_LEFTOVERS);
        let due = doc! { "dueAt": { "$lte": date(now) } };
        let mut swept = Leftovers::default();
        for LeftoverDocument { id, due_at, .. } in self.database.all(leftovers.find(due)).await? {
            let claim = doc! { "$set": { "claimed": true, "dueAt": date(now + LEFTOVER_RETENTION) } };
            let claimed = leftovers.update_one(doc! { "_id": id, "dueAt": due_at }, claim);
            if self.database.within(claimed).await?.modified_count == 0 {
                continue;
            }
            swept.rows += self.delete_generation(id).await?;
            swept.generations += 1;
            self.database.within(leftovers.delete_one(doc! { "_id": id })).await?;
        }
        Ok(swept)
    }

    async fn delete_generation(&self, generation: ObjectId) -> Result<u64, StoreError> {
        let rows = self.database.collection::<IdDocument>(LOOKUPS);
        let find = rows.find(doc! { "generation": generation }).projection(doc! { "_id": 1 });
        let mut ids = self.database.within(find).await?;
        let mut deleted = 0;
        loop {
            let mut chunk = Vec::with_capacity(DELETE_CHUNK);
            while chunk.len() < DELETE_CHUNK {
                match self.database.next(&mut ids).await? {
                    Some(IdDocument { id }) => chunk.push(id),
                    None => break,
                }
            }
            if chunk.is_empty() {
                return Ok(deleted);
            }
            let delete = rows.delete_many(doc! { "_id": { "$in": chunk } });
            deleted += self.database.within(delete).await?.deleted_count;
        }
    }
}
