//! Replacing whole types at once: a new generation is written beside the active one, and then activated in its place.

use std::collections::BTreeSet;

use chrono::Utc;
use futures::FutureExt;
use ig_core::clock::Timestamp;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::LookupDraft;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::error::Result as Driven;

use super::MongoLookups;
use super::document::RowDocument;
use super::error::{LookupError, refusal};
use super::leftovers::{LEFTOVER_RETENTION, LeftoverDocument, record_leftovers};
use super::plan::new_row;
use super::tables::{Generations, TableDocument, filter, tables_in};
use crate::configuration::Configurations;
use crate::field::date;
use crate::names::{LOOKUP_LEFTOVERS, LOOKUP_TABLES, LOOKUPS};

/// The result of a replacement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplaceCounts {
    /// Rows that became active.
    pub created: u64,
    /// Rows that were active before.
    pub removed: u64,
}

/// Rows of a generation that is not active yet.
#[derive(Debug)]
pub struct StagedLookups {
    lookups: MongoLookups,
    org: OrgId,
    generations: Generations,
    rows: u64,
    last_announced: Timestamp,
}

impl MongoLookups {
    /// Begins a replacement.
    pub fn stage(&self, org: OrgId) -> StagedLookups {
        StagedLookups {
            lookups: self.clone(),
            org,
            generations: Generations::new(),
            rows: 0,
            last_announced: Utc::now(),
        }
    }
}

impl StagedLookups {
    /// Writes rows that no reader sees yet.
    pub async fn add(&mut self, drafts: &[LookupDraft], at: Timestamp) -> Result<(), StoreError> {
        self.announce(drafts).await?;
        let rows = drafts.iter().filter_map(|draft| {
            let generation = self.generations.get(&draft.table)?;
            Some(new_row(self.org, draft, *generation, at))
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return Ok(());
        }
        let database = &self.lookups.database;
        let target = database.collection::<RowDocument>(LOOKUPS);
        database.within(target.insert_many(&rows).ordered(false)).await?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Activates the staged rows in place of all rows of these types, or of one tenant's.
    pub async fn activate_in_place_of(
        self,
        types: &BTreeSet<LookupType>,
        tenant: Option<Option<Rid>>,
    ) -> Result<ReplaceCounts, LookupError> {
        let removed = self.count_active(types, tenant).await?;
        let lookups = &self.lookups;
        let activated = lookups
            .database
            .transact((&self, types, tenant), |session, (this, types, tenant)| {
                this.activate(session, types, *tenant).boxed()
            });
        activated.await?.map_err(|error| refusal(&error))?;
        Ok(ReplaceCounts {
            created: self.rows,
            removed,
        })
    }

    /// Gives each new table a generation, recorded as a leftover until it is active; postpones the sweep of the other
    /// generations.
    async fn announce(&mut self, drafts: &[LookupDraft]) -> Result<(), StoreError> {
        let now = Utc::now();
        let mut new = Vec::new();
        for draft in drafts {
            if !self.generations.contains_key(&draft.table) {
                let generation = ObjectId::new();
                new.push(LeftoverDocument::new(generation, now));
                self.generations.insert(draft.table.clone(), generation);
            }
        }
        let database = &self.lookups.database;
        let leftovers = database.collection::<LeftoverDocument>(LOOKUP_LEFTOVERS);
        if !new.is_empty() {
            database.within(leftovers.insert_many(new)).await?;
        }
        if now - self.last_announced > chrono::TimeDelta::minutes(1) {
            let ours = doc! { "_id": { "$in": self.ids() }, "claimed": false };
            let later = doc! { "$set": { "dueAt": date(now + LEFTOVER_RETENTION) } };
            database.within(leftovers.update_many(ours, later)).await?;
            self.last_announced = now;
        }
        Ok(())
    }

    fn ids(&self) -> Vec<ObjectId> {
        self.generations.values().copied().collect()
    }

    async fn count_active(&self, types: &BTreeSet<LookupType>, tenant: Option<Option<Rid>>) -> Result<u64, StoreError> {
        let tables = self.lookups.tables(self.scope(types, tenant)).await?;
        let generations: Vec<_> = tables.iter().map(|table| table.generation).collect();
        let database = &self.lookups.database;
        let rows = database.collection::<RowDocument>(LOOKUPS);
        database
            .within(rows.count_documents(doc! { "generation": { "$in": generations } }))
            .await
    }

    fn scope(&self, types: &BTreeSet<LookupType>, tenant: Option<Option<Rid>>) -> Document {
        let mut scope = filter(self.org, None, tenant);
        let types: Vec<_> = types.iter().map(LookupType::as_str).collect();
        scope.insert("type", doc! { "$in": types });
        scope
    }

    async fn activate(
        &self,
        session: &mut ClientSession,
        types: &BTreeSet<LookupType>,
        tenant: Option<Option<Rid>>,
    ) -> Driven<()> {
        let database = &self.lookups.database;
        let scope = self.scope(types, tenant);
        let old = tables_in(database, session, scope).await?;
        let replaced = old.iter().map(TableDocument::table);
        let changed: BTreeSet<_> = replaced.chain(self.generations.keys().cloned()).collect();
        let changed: Vec<_> = changed.into_iter().collect();
        let configurations = Configurations::new(database.clone());
        configurations.record_lookup_change(session, self.org, &changed).await?;
        let leftovers = database.collection::<LeftoverDocument>(LOOKUP_LEFTOVERS);
        let ours = doc! { "_id": { "$in": self.ids() }, "claimed": false };
        let kept = leftovers.delete_many(ours).session(&mut *session).await?.deleted_count;
        if kept != self.generations.len() as u64 {
            // The import took so long that its rows are being swept already.
            return Err(LookupError::Conflict.into());
        }
        record_leftovers(database, session, &old).await?;
        let tables = database.collection::<TableDocument>(LOOKUP_TABLES);
        // ReplaceCounts tables are updated in place: between a delete and an insert, a reader might find neither.
        let retired = old.into_iter().filter(|old| !self.generations.contains_key(&old.table()));
        let retired: Vec<_> = retired.map(|old| old.id).collect();
        tables
            .delete_many(doc! { "_id": { "$in": retired } })
            .session(&mut *session)
            .await?;
        for (table, generation) in &self.generations {
            let new = TableDocument::new(self.org, table, *generation);
            let replacing = tables.replace_one(doc! { "_id": &new.id }, &new).upsert(true);
            replacing.session(&mut *session).await?;
        }
        Ok(())
    }
}
