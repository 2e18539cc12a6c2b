//! The active generation of each table.

use std::collections::HashMap;

use futures::TryStreamExt;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::LookupTable;
use ig_core::ports::StoreError;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::error::Result as Driven;
use serde::{Deserialize, Serialize};

use super::MongoLookups;
use super::error::LookupError;
use crate::configuration::Configurations;
use crate::database::Database;
use crate::names::LOOKUP_TABLES;
use crate::stored::Stored;

/// A table and its active generation; `_id` is `org:tenant:type`, unambiguous because numbers contain no colon.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TableDocument {
    #[serde(rename = "_id")]
    pub(super) id: String,
    org_id: i64,
    pub(super) tenant_id: Option<i64>,
    #[serde(rename = "type")]
    lookup_type: String,
    pub(super) generation: ObjectId,
}

/// The generations of tables.
pub(super) type Generations = HashMap<LookupTable, ObjectId>;

impl TableDocument {
    pub(super) fn new(org: OrgId, table: &LookupTable, generation: ObjectId) -> Self {
        Self {
            id: table_key(org, table),
            org_id: org.0,
            tenant_id: table.tenant_id.map(|rid| rid.0),
            lookup_type: table.lookup_type.to_string(),
            generation,
        }
    }

    pub(super) fn table(&self) -> LookupTable {
        LookupTable {
            lookup_type: LookupType::new(&self.lookup_type),
            tenant_id: self.tenant_id.map(Rid),
        }
    }
}

pub(super) fn table_key(org: OrgId, table: &LookupTable) -> String {
    let LookupTable { lookup_type, tenant_id } = table;
    match tenant_id {
        Some(rid) => format!("{org}:{rid}:{lookup_type}"),
        None => format!("{org}::{lookup_type}"),
    }
}

/// An organisation's tables, optionally of one type or one tenant.
pub(super) fn filter(org: OrgId, lookup_type: Option<&LookupType>, tenant: Option<Option<Rid>>) -> Document {
    let mut filter = doc! { "orgId": org.0 };
    if let Some(lookup_type) = lookup_type {
        filter.insert("type", lookup_type.as_str());
    }
    if let Some(tenant) = tenant {
        filter.insert("tenantId", tenant.map(|rid| rid.0));
    }
    filter
}

impl MongoLookups {
    pub(super) async fn tables(&self, filter: Document) -> Result<Vec<TableDocument>, StoreError> {
        let tables = self.database.collection::<TableDocument>(LOOKUP_TABLES);
        self.database.all(tables.find(filter)).await
    }

    /// The active generations of an organisation's tables.
    pub(super) async fn generations(
        &self,
        org: OrgId,
        lookup_type: Option<&LookupType>,
        tenant: Option<Option<Rid>>,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let tables = self.tables(filter(org, lookup_type, tenant)).await?;
        Ok(tables.into_iter().map(|table| table.generation).collect())
    }

    /// Records a change of tables and returns their generations; a missing table starts empty.
    pub(super) async fn open_in(&self, session: &mut ClientSession, org: OrgId, tables: &[LookupTable]) -> Driven<Generations> {
        let configurations = Configurations::new(self.database.clone());
        configurations.record_lookup_change(session, org, tables).await?;
        let mut generations = generations_in(&self.database, session, org, tables).await?;
        let collection = self.database.collection::<TableDocument>(LOOKUP_TABLES);
        for table in tables {
            if !generations.contains_key(table) {
                let document = TableDocument::new(org, table, ObjectId::new());
                collection.insert_one(&document).session(&mut *session).await?;
                generations.insert(table.clone(), document.generation);
            }
        }
        Ok(generations)
    }

    /// Records a change of tables, unless the generation that was written to is no longer active.
    pub(super) async fn announce_in(&self, session: &mut ClientSession, org: OrgId, written: &Generations) -> Driven<()> {
        let tables: Vec<_> = written.keys().cloned().collect();
        let configurations = Configurations::new(self.database.clone());
        configurations.record_lookup_change(session, org, &tables).await?;
        let in_force = generations_in(&self.database, session, org, &tables).await?;
        if in_force == *written {
            return Ok(());
        }
        Err(LookupError::Conflict.into())
    }
}

async fn generations_in(
    database: &Database,
    session: &mut ClientSession,
    org: OrgId,
    tables: &[LookupTable],
) -> Driven<Generations> {
    let keys: Vec<_> = tables.iter().map(|table| table_key(org, table)).collect();
    let found = tables_in(database, session, doc! { "_id": { "$in": keys } }).await?;
    Ok(found.into_iter().map(|found| (found.table(), found.generation)).collect())
}

pub(super) async fn tables_in(database: &Database, session: &mut ClientSession, filter: Document) -> Driven<Vec<TableDocument>> {
    let collection = database.collection::<TableDocument>(LOOKUP_TABLES);
    let mut cursor = collection.find(filter).session(&mut *session).await?;
    cursor.stream(session).map_ok(|Stored(table)| table).try_collect().await
}
