//! Counts of rows and of their use.

use std::collections::HashMap;

use chrono::NaiveDate;
use ig_core::clock::Timestamp;
use ig_core::id::{LookupType, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::MongoLookups;
use super::usage::UsageDocument;
use crate::field::{timestamp, unsigned};
use crate::names::{LOOKUP_USAGE, LOOKUPS};
use crate::stored::Stored;

/// Statistics of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeStatistics {
    /// The type.
    pub lookup_type: LookupType,
    /// The number of its rows.
    pub rows: u64,
    /// Rows that take part in resolving.
    pub active: u64,
    /// Rows that belong to a unit.
    pub of_units: u64,
    /// When any of its rows last changed.
    pub updated_at: Timestamp,
    /// How often a row was found, as far as services have reported.
    pub resolved: u64,
    /// How often no row was found.
    pub unmapped: u64,
    /// The last day of use.
    pub last_used: Option<NaiveDate>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeCount {
    #[serde(rename = "_id")]
    lookup_type: String,
    rows: i64,
    active: i64,
    of_units: i64,
    updated_at: bson::DateTime,
}

impl MongoLookups {
    /// The statistics of each type that an organisation has rows of, by name.
    pub async fn statistics(&self, org: OrgId) -> Result<Vec<TypeStatistics>, StoreError> {
        let generations = self.generations(org, None, None).await?;
        let mut usage = self.usage(org).await?;
        let rows = self.database.collection::<Document>(LOOKUPS);
        let pipeline = [
            doc! { "$match": { "orgId": org.0, "generation": { "$in": generations } } },
            doc! { "$group": {
                "_id": "$type",
                "rows": { "$sum": 1_i64 },
                "active": { "$sum": { "$cond": ["$isActive", 1_i64, 0_i64] } },
                "ofUnits": { "$sum": { "$cond": [{ "$eq": ["$tenantId", null] }, 0_i64, 1_i64] } },
                "updatedAt": { "$max": "$updatedAt" },
            } },
            doc! { "$sort": { "_id": 1 } },
        ];
        let counted = rows.aggregate(pipeline).with_type::<Stored<TypeCount>>();
        let counted = self.database.all(counted).await?;
        let figures = counted.into_iter().map(|counted| {
            let usage = usage.remove(&counted.lookup_type).unwrap_or_default();
            TypeStatistics {
                lookup_type: LookupType::new(counted.lookup_type),
                rows: unsigned(counted.rows),
                active: unsigned(counted.active),
                of_units: unsigned(counted.of_units),
                updated_at: timestamp(counted.updated_at),
                resolved: unsigned(usage.resolved),
                unmapped: unsigned(usage.unmapped),
                last_used: usage.last_used_day.and_then(|day| day.parse().ok()),
            }
        });
        Ok(figures.collect())
    }

    async fn usage(&self, org: OrgId) -> Result<HashMap<String, UsageDocument>, StoreError> {
        let usage = self.database.collection::<UsageDocument>(LOOKUP_USAGE);
        let usage = self.database.all(usage.find(doc! { "orgId": org.0 })).await?;
        Ok(usage.into_iter().map(|usage| (usage.lookup_type.clone(), usage)).collect())
    }
}
