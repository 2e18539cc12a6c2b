//! Changing rows; each change is one transaction with its entry in the change log.

use std::collections::BTreeSet;

use futures::{FutureExt, TryStreamExt};
use ig_core::clock::Timestamp;
use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupRow, LookupTable};
use mongodb::ClientSession;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::error::{Error, Result as Driven};

use super::MongoLookups;
use super::document::RowDocument;
use super::error::{LookupError, refusal};
use super::leftovers::retire;
use super::plan::{BulkOutcome, ExistingRows, WriteCounts, WritePlan, bulk_outcome};
use super::tables::{self, Generations, table_key, tables_in};
use crate::configuration::Configurations;
use crate::error::is_duplicate;
use crate::field::{object_id, unsigned};
use crate::names::{LOOKUP_TABLES, LOOKUPS};
use crate::stored::Stored;

impl MongoLookups {
    /// Inserts a row.
    pub async fn insert(&self, row: &LookupRow) -> Result<(), LookupError> {
        let outcome = self
            .database
            .transact((self, row), |session, (this, row)| this.insert_in(session, row).boxed());
        match outcome.await? {
            Ok(()) => Ok(()),
            Err(error) => Err(self.conflict(&error, row).await),
        }
    }

    /// Replaces a row that is at this revision; it may move to another table.
    pub async fn replace(&self, row: &LookupRow, expected: u64) -> Result<(), LookupError> {
        let outcome = self
            .database
            .transact((self, row, expected), |session, (this, row, expected)| {
                this.replace_in(session, row, *expected).boxed()
            });
        match outcome.await? {
            Ok(()) => Ok(()),
            Err(error) => Err(self.conflict(&error, row).await),
        }
    }

    /// Deletes a row that is at this revision.
    pub async fn delete(&self, org: OrgId, id: LookupId, expected: u64) -> Result<(), LookupError> {
        let outcome = self
            .database
            .transact((self, org, id, expected), |session, (this, org, id, expected)| {
                this.delete_in(session, *org, *id, *expected).boxed()
            });
        outcome.await?.map_err(|error| refusal(&error))
    }

    /// Deletes those of these rows that exist; returns their number.
    pub async fn delete_many(&self, org: OrgId, ids: &[LookupId]) -> Result<u64, LookupError> {
        let outcome = self.database.transact((self, org, ids), |session, (this, org, ids)| {
            this.delete_many_in(session, *org, ids).boxed()
        });
        outcome.await?.map_err(|error| refusal(&error))
    }

    /// Deletes every row of a type, or of one tenant within it; returns their number.
    pub async fn delete_type(
        &self,
        org: OrgId,
        lookup_type: &LookupType,
        tenant: Option<Option<Rid>>,
    ) -> Result<u64, LookupError> {
        let generations = self.generations(org, Some(lookup_type), tenant).await?;
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let rows = rows.count_documents(doc! { "generation": { "$in": generations } });
        let rows = self.database.within(rows).await?;
        let outcome = self.database.transact(
            (self, org, lookup_type, tenant),
            |session, (this, org, lookup_type, tenant)| this.delete_type_in(session, *org, lookup_type, *tenant).boxed(),
        );
        outcome.await?.map_err(|error| refusal(&error))?;
        Ok(rows)
    }

    /// Upserts up to a thousand or so drafts at once: a draft updates the row with its source, or inserts one.
    pub async fn put_many(&self, org: OrgId, drafts: &[LookupDraft], at: Timestamp) -> Result<WriteCounts, LookupError> {
        let outcome = self
            .database
            .transact((self, org, drafts, at), |session, (this, org, drafts, at)| {
                this.put_many_in(session, *org, drafts, *at).boxed()
            });
        outcome.await?.map_err(|error| refusal(&error))
    }

    /// Names the row that already has the value, if the error is a duplicate.
    async fn conflict(&self, error: &Error, row: &LookupRow) -> LookupError {
        if !is_duplicate(error) {
            return refusal(error);
        }
        match self.active(row.org_id, &row.table(), &row.source.id).await {
            Ok(Some(existing)) => LookupError::Taken(existing.id),
            Ok(None) => LookupError::Conflict,
            Err(error) => error.into(),
        }
    }

    async fn insert_in(&self, session: &mut ClientSession, row: &LookupRow) -> Driven<()> {
        let table = row.table();
        let generations = self.open_in(session, row.org_id, std::slice::from_ref(&table)).await?;
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        rows.insert_one(RowDocument::new(row, generation_of(&generations, &table)?))
            .session(session)
            .await?;
        Ok(())
    }

    async fn replace_in(&self, session: &mut ClientSession, row: &LookupRow, expected: u64) -> Driven<()> {
        let old = self.at_revision(session, row.org_id, row.id, expected).await?;
        let table = row.table();
        let generations = self
            .open_in(session, row.org_id, &[old.clone(), table.clone()].map(|table| table))
            .await?;
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        rows.replace_one(
            doc! { "_id": object_id(row.id.0) },
            RowDocument::new(row, generation_of(&generations, &table)?),
        )
        .session(session)
        .await?;
        Ok(())
    }

    async fn delete_in(&self, session: &mut ClientSession, org: OrgId, id: LookupId, expected: u64) -> Driven<()> {
        let table = self.at_revision(session, org, id, expected).await?;
        let configurations = Configurations::new(self.database.clone());
        configurations.record_lookup_change(session, org, &[table]).await?;
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        rows.delete_one(doc! { "_id": object_id(id.0) }).session(session).await?;
        Ok(())
    }

    async fn delete_many_in(&self, session: &mut ClientSession, org: OrgId, ids: &[LookupId]) -> Driven<u64> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let found = self.rows_in(session, doc! { "_id": { "$in": ids }, "orgId": org.0 }).await?;
        let tables: Vec<_> = found.iter().map(table_of).collect::<BTreeSet<_>>().into_iter().collect();
        let keys: Vec<_> = tables.iter().map(|table| table_key(org, table)).collect();
        let in_force = tables_in(&self.database, session, doc! { "_id": { "$in": keys } }).await?;
        let in_force: BTreeSet<_> = in_force.iter().map(|table| table.generation).collect();
        let live = found.iter().filter(|row| in_force.contains(&row.generation));
        let live: Vec<ObjectId> = live.map(|row| row.id).collect();
        if live.is_empty() {
            return Ok(0);
        }
        let configurations = Configurations::new(self.database.clone());
        configurations.record_lookup_change(session, org, &tables).await?;
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let deleted = rows.delete_many(doc! { "_id": { "$in": live } }).session(session).await?;
        Ok(deleted.deleted_count)
    }

    async fn delete_type_in(
        &self,
        session: &mut ClientSession,
        org: OrgId,
        lookup_type: &LookupType,
        tenant: Option<Option<Rid>>,
    ) -> Driven<()> {
        let filter = tables::filter(org, Some(lookup_type), tenant);
        let found = tables_in(&self.database, session, filter.clone()).await?;
        if found.is_empty() {
            return Ok(());
        }
        let tables: Vec<_> = found.iter().map(tables::TableDocument::table).collect();
        let configurations = Configurations::new(self.database.clone());
        configurations.record_lookup_change(session, org, &tables).await?;
        retire(&self.database, session, filter).await
    }

    async fn put_many_in(
        &self,
        session: &mut ClientSession,
        org: OrgId,
        drafts: &[LookupDraft],
        at: Timestamp,
    ) -> Driven<WriteCounts> {
        let tables = tables_of(drafts);
        let generations = self.open_in(session, org, &tables).await?;
        let mut existing = ExistingRows::default();
        for filter in row_filters(org, drafts, &generations) {
            self.rows_in(session, filter)
                .await?
                .into_iter()
                .for_each(|row| existing.add(row));
        }
        let plan = WritePlan::of(org, drafts, &generations, existing, at);
        if let Some(command) = plan.update_command() {
            let answer = self.database.driver().run_command(command).session(&mut *session).await?;
            match bulk_outcome(&answer).map_err(LookupError::from)? {
                BulkOutcome::Done => {}
                BulkOutcome::Duplicate => return Err(LookupError::Conflict.into()),
            }
        }
        if !plan.inserts.is_empty() {
            let rows = self.database.collection::<RowDocument>(LOOKUPS);
            rows.insert_many(&plan.inserts).session(session).await?;
        }
        Ok(plan.written)
    }

    /// The table of a row that exists, is active and is at this revision.
    async fn at_revision(&self, session: &mut ClientSession, org: OrgId, id: LookupId, expected: u64) -> Driven<LookupTable> {
        let found = self.rows_in(session, doc! { "_id": object_id(id.0), "orgId": org.0 }).await?;
        let row = found.first().ok_or(LookupError::NotFound)?;
        let table = table_of(row);
        let live = doc! { "_id": table_key(org, &table), "generation": row.generation };
        let tables = self.database.collection::<Document>(LOOKUP_TABLES);
        if tables.find_one(live).session(session).await?.is_none() {
            return Err(LookupError::NotFound.into());
        }
        let current = unsigned(row.revision);
        if current != expected {
            return Err(LookupError::Stale { current }.into());
        }
        Ok(table)
    }

    async fn rows_in(&self, session: &mut ClientSession, filter: Document) -> Driven<Vec<RowDocument>> {
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let mut cursor = rows.find(filter).session(&mut *session).await?;
        cursor.stream(session).map_ok(|Stored(row)| row).try_collect().await
    }
}

fn generation_of(generations: &Generations, table: &LookupTable) -> Driven<ObjectId> {
    let generation = generations.get(table).copied();
    generation.ok_or_else(|| LookupError::Conflict.into())
}

fn table_of(row: &RowDocument) -> LookupTable {
    LookupTable {
        lookup_type: LookupType::new(&row.lookup_type),
        tenant_id: row.tenant_id.map(Rid),
    }
}

/// The tables of these drafts.
pub(super) fn tables_of(drafts: &[LookupDraft]) -> Vec<LookupTable> {
    let tables: BTreeSet<_> = drafts.iter().map(|draft| &draft.table).collect();
    tables.into_iter().cloned().collect()
}

/// Filters for the rows that the drafts may update.
pub(super) fn row_filters(org: OrgId, drafts: &[LookupDraft], generations: &Generations) -> Vec<Document> {
    let filters = generations.iter().map(|(table, generation)| {
        let ours = drafts.iter().filter(|draft| draft.table == *table);
        let sources: Vec<_> = ours.map(|draft| draft.source.id.clone()).collect();
        doc! {
            "orgId": org.0,
            "type": table.lookup_type.as_str(),
            "source.id": { "$in": sources },
            "generation": generation,
        }
    });
    filters.collect()
}
