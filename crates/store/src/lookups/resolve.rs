//! Resolving values to their targets, and targets to their values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupKey, LookupRow, LookupTable, ResolvedLookups};
use ig_core::ports::{Lookups, StoreError};
use mongodb::bson::{Bson, doc, oid::ObjectId};

use super::MongoLookups;
use super::document::RowDocument;
use super::tables::table_key;
use crate::names::LOOKUPS;

/// Values in one query.
const KEYS_PER_QUERY: usize = 500;
/// The most rows returned for one target.
const MAX_REVERSE_SOURCES: usize = 100;

/// The key of a reverse lookup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReverseKey {
    /// The table.
    pub lookup_type: LookupType,
    /// The target's identifier.
    pub target_id: String,
}

/// Active generations by type: the organisation's, and the unit's if there is one.
type ActiveGenerations = BTreeMap<LookupType, Vec<ObjectId>>;

impl MongoLookups {
    /// The active rows that map these keys: a unit's row wins over the organisation's. Unmapped keys are left out.
    pub async fn rows(
        &self,
        org: OrgId,
        tenant: Option<Rid>,
        keys: &[LookupKey],
    ) -> Result<HashMap<LookupKey, LookupRow>, StoreError> {
        let mut wanted: BTreeMap<&LookupType, BTreeSet<&str>> = BTreeMap::new();
        for key in keys {
            wanted.entry(&key.lookup_type).or_default().insert(&key.source_id);
        }
        let in_force = self.in_force(org, tenant, wanted.keys().copied()).await?;
        let wanted = wanted
            .into_iter()
            .map(|(lookup_type, sources)| (lookup_type, sources.into_iter().collect()));
        let found = self.matching("source.id", &in_force, wanted.collect()).await?;
        let mut rows = HashMap::new();
        for row in found {
            let key = LookupKey {
                lookup_type: row.lookup_type.clone(),
                source_id: row.source.id.clone(),
            };
            if row.tenant_id.is_some() || !rows.contains_key(&key) {
                rows.insert(key, row);
            }
        }
        Ok(rows)
    }

    /// The active rows that map to these targets, as seen by a tenant: values that the unit maps elsewhere are left out.
    pub async fn reverse(
        &self,
        org: OrgId,
        tenant: Option<Rid>,
        keys: &[ReverseKey],
    ) -> Result<HashMap<ReverseKey, Vec<LookupRow>>, StoreError> {
        let mut wanted: BTreeMap<&LookupType, BTreeSet<&str>> = BTreeMap::new();
        for key in keys {
            wanted.entry(&key.lookup_type).or_default().insert(&key.target_id);
        }
        let in_force = self.in_force(org, tenant, wanted.keys().copied()).await?;
        let wanted = wanted
            .into_iter()
            .map(|(lookup_type, targets)| (lookup_type, targets.into_iter().collect()));
        let found = self.matching("target.id", &in_force, wanted.collect()).await?;
        let holding = self.rows(org, tenant, &found.iter().map(key_of).collect::<Vec<_>>()).await?;
        let mut rows: HashMap<ReverseKey, Vec<LookupRow>> = HashMap::new();
        for row in found {
            if holding.get(&key_of(&row)).is_some_and(|holds| holds.id == row.id) {
                let key = ReverseKey {
                    lookup_type: row.lookup_type.clone(),
                    target_id: row.target.id.clone(),
                };
                rows.entry(key).or_default().push(row);
            }
        }
        for rows in rows.values_mut() {
            rows.sort_by(|one, other| one.source.id.cmp(&other.source.id));
            rows.truncate(MAX_REVERSE_SOURCES);
        }
        Ok(rows)
    }

    async fn in_force(
        &self,
        org: OrgId,
        tenant: Option<Rid>,
        types: impl Iterator<Item = &LookupType>,
    ) -> Result<ActiveGenerations, StoreError> {
        let tenant = tenant.filter(|rid| *rid != org.as_entity());
        let places: BTreeSet<_> = [None, tenant].into_iter().collect();
        let tables = types.flat_map(|lookup_type| {
            places.iter().map(move |tenant_id| LookupTable {
                lookup_type: lookup_type.clone(),
                tenant_id: *tenant_id,
            })
        });
        let keys: Vec<_> = tables.map(|table| table_key(org, &table)).collect();
        let mut in_force = ActiveGenerations::new();
        for table in self.tables(doc! { "_id": { "$in": keys } }).await? {
            in_force.entry(table.table().lookup_type).or_default().push(table.generation);
        }
        Ok(in_force)
    }

    async fn matching(
        &self,
        field: &str,
        in_force: &ActiveGenerations,
        wanted: Vec<(&LookupType, Vec<&str>)>,
    ) -> Result<Vec<LookupRow>, StoreError> {
        let mut queries = Vec::new();
        for (lookup_type, values) in &wanted {
            let Some(generations) = in_force.get(*lookup_type) else {
                continue;
            };
            for values in values.chunks(KEYS_PER_QUERY) {
                let values: Vec<Bson> = values.iter().map(|value| Bson::from(*value)).collect();
                queries.push(doc! { "generation": { "$in": generations }, field: { "$in": values }, "isActive": true });
            }
        }
        let rows = self.database.collection::<RowDocument>(LOOKUPS);
        let found = try_join_all(queries.into_iter().map(|query| self.database.all(rows.find(query)))).await?;
        found.into_iter().flatten().map(LookupRow::try_from).collect()
    }
}

fn key_of(row: &LookupRow) -> LookupKey {
    LookupKey {
        lookup_type: row.lookup_type.clone(),
        source_id: row.source.id.clone(),
    }
}

#[async_trait]
impl Lookups for MongoLookups {
    async fn resolve(&self, org: OrgId, entity: Rid, keys: &[LookupKey]) -> Result<ResolvedLookups, StoreError> {
        let rows = self.rows(org, Some(entity), keys).await?;
        Ok(rows.into_iter().map(|(key, row)| (key, Arc::new(row.target))).collect())
    }
}
