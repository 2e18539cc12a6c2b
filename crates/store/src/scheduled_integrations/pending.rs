//! Counts of pending scheduled deliveries, of one organisation or of all.

use ig_core::clock::Timestamp;
use ig_core::scheduled::ScheduledStatus;
use mongodb::bson::{self, Bson, doc};
use serde::Deserialize;

use super::ScheduledDeliveries;
use crate::aggregation::{Aggregation, CountError};
use crate::field::{timestamp, unsigned};
use crate::names::SCHEDULED;
use crate::orgs::Orgs;

/// The pending scheduled deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PendingDeliveries {
    /// How many there are.
    pub count: u64,
    /// The time of the next one, possibly in the past.
    pub next: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct PendingDocument {
    count: i64,
    next: bson::DateTime,
}

impl ScheduledDeliveries {
    /// Counts pending deliveries; the index covers the whole query.
    pub async fn pending(&self, orgs: &Orgs) -> Result<PendingDeliveries, CountError> {
        let pending = doc! { "orgId": orgs.condition(), "status": ScheduledStatus::Pending.as_str() };
        let all = doc! { "_id": Bson::Null, "count": { "$sum": 1_i64 }, "next": { "$min": "$scheduledFor" } };
        let aggregation = Aggregation {
            collection: SCHEDULED,
            index: Some(doc! { "orgId": 1, "status": 1, "scheduledFor": -1, "_id": -1 }),
            pipeline: vec![doc! { "$match": pending }, doc! { "$group": all }],
            timeout: Aggregation::DEFAULT_TIMEOUT,
        };
        let counted: Vec<PendingDocument> = self.database.aggregate(aggregation).await?;
        let pending = counted.into_iter().next().map(|found| PendingDeliveries {
            count: unsigned(found.count),
            next: Some(timestamp(found.next)),
        });
        Ok(pending.unwrap_or_default())
    }
}
