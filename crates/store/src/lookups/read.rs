//! Reading rows.

use ig_core::id::{LookupId, LookupType, OrgId, Rid};
use ig_core::lookup::{LookupRow, LookupTable};
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

use super::MongoLookups;
use super::document::RowDocument;
use super::tables::table_key;
use crate::field::object_id;
use crate::names::LOOKUPS;
use crate::page::{Listed, Page, add_search};

/// Selects rows; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupFilter {
    /// Their type.
    pub lookup_type: Option<LookupType>,
    /// Their unit; `Some(None)` selects the organisation's own rows.
    pub tenant: Option<Option<Rid>>,
    /// Whether they take part in resolving.
    pub is_active: Option<bool>,
    /// Text that their identifiers or fields contain.
    pub search: Option<String>,
}

/// The order of lists and exports.
pub(super) fn in_order() -> Document {
    doc! { "type": 1, "source.id": 1, "_id": 1 }
}

impl MongoLookups {
    /// Reads one of an organisation's rows.
    pub async fn get(&self, org: OrgId, id: LookupId) -> Result<Option<LookupRow>, StoreError> {
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let found = rows.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 });
        let Some(row) = self.database.within(found).await? else {
            return Ok(None);
        };
        let generation = row.generation;
        let row = LookupRow::try_from(row)?;
        let live = doc! { "_id": table_key(org, &row.table()), "generation": generation };
        Ok((!self.tables(live).await?.is_empty()).then_some(row))
    }

    /// Lists an organisation's rows by type and source.
    pub async fn list(&self, org: OrgId, filter: &LookupFilter, page: Page) -> Result<Listed<LookupRow>, StoreError> {
        let query = self.query(org, filter).await?;
        let listed = self
            .database
            .page::<RowDocument>(LOOKUPS, query, in_order(), None, page)
            .await?;
        listed.try_map(LookupRow::try_from)
    }

    /// Matches the active rows; the query stays valid for as long as a retired generation is kept.
    pub(super) async fn query(&self, org: OrgId, filter: &LookupFilter) -> Result<Document, StoreError> {
        let LookupFilter {
            lookup_type,
            tenant,
            is_active,
            search,
        } = filter;
        let generations = self.generations(org, lookup_type.as_ref(), *tenant).await?;
        let mut query = doc! { "orgId": org.0, "generation": { "$in": generations } };
        if let Some(lookup_type) = lookup_type {
            query.insert("type", lookup_type.as_str());
        }
        if let Some(is_active) = is_active {
            query.insert("isActive", *is_active);
        }
        add_search(
            &mut query,
            search.as_deref(),
            &["source.id", "source.fields", "target.id", "target.fields"],
        );
        Ok(query)
    }

    /// The row of a table that maps a value.
    pub(super) async fn active(&self, org: OrgId, table: &LookupTable, source: &str) -> Result<Option<LookupRow>, StoreError> {
        let in_force = self.tables(doc! { "_id": table_key(org, table) }).await?;
        let Some(table) = in_force.first() else { return Ok(None) };
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let found = rows.find_one(doc! { "generation": table.generation, "source.id": source, "isActive": true });
        self.database.within(found).await?.map(LookupRow::try_from).transpose()
    }
}
