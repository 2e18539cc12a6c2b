//! Statistics of an organisation's dead letters.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::dead_letter::{DeadLetterReason, DeadLetterStatus};
use ig_core::id::{IntegrationId, OrgId};
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::DeadLetters;
use crate::delivery_logs::read_category;
use crate::error::unreadable;
use crate::field::{timestamp, unsigned};
use crate::stored::Stored;

/// Counts of dead letters with the same attributes.
struct KindTally {
    status: DeadLetterStatus,
    category: Option<ErrorCategory>,
    reason: DeadLetterReason,
    integration_id: IntegrationId,
    integration_name: String,
    count: u64,
    oldest: Timestamp,
}

/// An organisation's dead letters in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterStatistics {
    /// All of them.
    pub total: u64,
    /// By status.
    pub by_status: BTreeMap<&'static str, u64>,
    /// By the category of the last failure, of those that were tried and are not delivered.
    pub by_category: BTreeMap<&'static str, u64>,
    /// By why they became dead letters, of those that are not delivered.
    pub by_reason: BTreeMap<&'static str, u64>,
    /// By integration, of those that are not delivered.
    pub by_integration: BTreeMap<IntegrationId, IntegrationDeadLetters>,
    /// When the oldest of the undelivered ones was created.
    pub oldest: Option<Timestamp>,
}

/// One integration's undelivered dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrationDeadLetters {
    /// The integration's name.
    pub name: String,
    /// How many there are.
    pub count: u64,
}

#[derive(Debug, Deserialize)]
struct KindCount {
    #[serde(rename = "_id")]
    kind: KindKey,
    name: String,
    count: i64,
    oldest: bson::DateTime,
}

#[derive(Debug, Deserialize)]
struct KindKey {
    status: String,
    category: Option<String>,
    reason: String,
    integration: ObjectId,
}

impl DeadLetters {
    /// Counts an organisation's dead letters.
    pub async fn statistics(&self, org: OrgId) -> Result<DeadLetterStatistics, StoreError> {
        let kind = doc! {
            "status": "$status", "category": "$errorCategory", "reason": "$reason", "integration": "$integrationConfigId",
        };
        let pipeline = [
            doc! { "$match": { "orgId": org.0 } },
            doc! { "$group": {
                "_id": kind,
                "name": { "$max": "$integrationName" },
                "count": { "$sum": 1_i64 },
                "oldest": { "$min": "$createdAt" },
            } },
        ];
        let letters = self.letters::<Document>();
        let counted = self
            .database
            .all(letters.aggregate(pipeline).with_type::<Stored<KindCount>>())
            .await?;
        let mut statistics = DeadLetterStatistics::default();
        for counted in counted {
            statistics.add(counted.try_into()?);
        }
        Ok(statistics)
    }
}

impl DeadLetterStatistics {
    fn add(&mut self, counted: KindTally) {
        let KindTally {
            status,
            category,
            reason,
            integration_id,
            integration_name,
            count,
            oldest,
        } = counted;
        self.total += count;
        *self.by_status.entry(status.as_str()).or_default() += count;
        if status == DeadLetterStatus::Resolved {
            return;
        }
        if let Some(category) = category {
            *self.by_category.entry(category.as_str()).or_default() += count;
        }
        *self.by_reason.entry(reason.as_str()).or_default() += count;
        let integration = self.by_integration.entry(integration_id).or_default();
        integration.name = integration_name;
        integration.count += count;
        self.oldest = Some(self.oldest.map_or(oldest, |known| known.min(oldest)));
    }
}

impl TryFrom<KindCount> for KindTally {
    type Error = StoreError;

    fn try_from(counted: KindCount) -> Result<Self, StoreError> {
        let KindCount {
            kind,
            name,
            count,
            oldest,
        } = counted;
        Ok(Self {
            status: DeadLetterStatus::parse(&kind.status).ok_or_else(|| unreadable("status"))?,
            category: kind.category.map(|text| read_category(&text)).transpose()?,
            reason: DeadLetterReason::parse(&kind.reason).ok_or_else(|| unreadable("reason"))?,
            integration_id: IntegrationId(kind.integration.bytes()),
            integration_name: name,
            count: unsigned(count),
            oldest: timestamp(oldest),
        })
    }
}
