//! Use of lookups, counted by services and reported in batches.

use chrono::NaiveDate;
use ig_core::id::{LookupType, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::MongoLookups;
use crate::database::durable;
use crate::field::long;
use crate::names::LOOKUP_USAGE;

/// What a service counted since its last report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupUsage {
    /// The organisation.
    pub org_id: OrgId,
    /// The type.
    pub lookup_type: LookupType,
    /// How often a row was found.
    pub resolved: u64,
    /// How often no row was found.
    pub unmapped: u64,
    /// The day of the last use.
    pub day: NaiveDate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageDocument {
    #[serde(rename = "type")]
    pub(super) lookup_type: String,
    pub(super) resolved: i64,
    pub(super) unmapped: i64,
    pub(super) last_used_day: Option<String>,
}

impl MongoLookups {
    /// Adds the services' counts in one round trip. A batch whose reply was lost may be counted twice.
    pub async fn record_usage(&self, uses: &[LookupUsage]) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        let refused = |error: bson::error::Error| StoreError::Refused(error.to_string());
        let updates: Vec<_> = uses.iter().map(update).collect();
        let concern = bson::serialize_to_bson(&durable()).map_err(refused)?;
        let command = doc! { "update": LOOKUP_USAGE, "updates": updates, "ordered": false, "writeConcern": concern };
        let answer = self.database.within(self.database.driver().run_command(command)).await?;
        if answer.get_array("writeErrors").is_ok_and(|errors| !errors.is_empty()) {
            return Err(StoreError::Unavailable("not every count was written".to_owned()));
        }
        Ok(())
    }
}

fn update(used: &LookupUsage) -> Document {
    let LookupUsage {
        org_id,
        lookup_type,
        resolved,
        unmapped,
        day,
    } = used;
    let change = doc! {
        "$inc": { "resolved": long(*resolved), "unmapped": long(*unmapped) },
        "$max": { "lastUsedDay": day.to_string() },
        "$setOnInsert": { "orgId": org_id.0, "type": lookup_type.as_str() },
    };
    doc! { "q": { "_id": format!("{org_id}:{lookup_type}") }, "u": change, "upsert": true }
}
