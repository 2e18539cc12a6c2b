//! Generations that are not in force: known by name before their first row is written, swept when their time has come.

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

/// A generation stays so long after it went out of force, or after its import was last heard of.
pub(super) const KEPT: Duration = Duration::from_mins(10);
/// Rows deleted at once.
const CHUNK: usize = 2_000;

/// A generation that nobody reads, or nobody will once [`KEPT`] has passed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeftoverDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    due_at: bson::DateTime,
    /// It is being swept: it can no longer come into force.
    claimed: bool,
}

impl LeftoverDocument {
    pub(super) fn new(id: ObjectId, now: Timestamp) -> Self {
        Self {
            id,
            due_at: date(now + KEPT),
            claimed: false,
        }
    }
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Generations that are gone now.
    pub generations: u64,
    /// Rows that are gone with them.
    pub rows: u64,
}

#[derive(Debug, Deserialize)]
struct Id {
    #[serde(rename = "_id")]
    id: ObjectId,
}

/// Takes tables out of force within a transaction.
pub(crate) async fn retire(database: &Database, session: &mut ClientSession, filter: Document) -> Driven<()> {
    let tables = tables_in(database, session, filter.clone()).await?;
    leave_over(database, session, &tables).await?;
    let tables = database.collection::<TableDocument>(LOOKUP_TABLES);
    tables.delete_many(filter).session(session).await?;
    Ok(())
}

/// Notes within a transaction that the rows of tables are to be swept when nobody can be reading them any more.
pub(super) async fn leave_over(database: &Database, session: &mut ClientSession, tables: &[TableDocument]) -> Driven<()> {
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
    /// Deletes the rows of generations whose time has come; several processes may do this at once.
    pub async fn sweep(&self, now: Timestamp) -> Result<Leftovers, StoreError> {
        let leftovers = self.database.collection::<LeftoverDocument>(LOOKUP_LEFTOVERS);
        let due = doc! { "dueAt": { "$lte": date(now) } };
        let mut swept = Leftovers::default();
        for LeftoverDocument { id, due_at, .. } in self.database.all(leftovers.find(due)).await? {
            let claim = doc! { "$set": { "claimed": true, "dueAt": date(now + KEPT) } };
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
        let rows = self.database.collection::<Id>(LOOKUPS);
        let find = rows.find(doc! { "generation": generation }).projection(doc! { "_id": 1 });
        let mut ids = self.database.within(find).await?;
        let mut deleted = 0;
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            while chunk.len() < CHUNK {
                match self.database.next(&mut ids).await? {
                    Some(Id { id }) => chunk.push(id),
                    None => break,
                }
            }
            if chunk.is_empty() {
                return Ok(deleted);
            }
            let gone = rows.delete_many(doc! { "_id": { "$in": chunk } });
            deleted += self.database.within(gone).await?.deleted_count;
        }
    }
}
