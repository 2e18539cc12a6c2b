//! The pipeline: groups by a key, each with its deliveries by status and response time class.

use std::time::Duration;

use ig_core::delivery_log::DeliveryStatus;
use ig_core::figures::{DeliveryFigures, StatusClass};
use ig_core::latency::{INSTANT, RATIO};
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, Document, doc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{DeliveryScope, DeliveryStatistics};
use crate::aggregation::{Aggregation, CountError};
use crate::error::unreadable;
use crate::field::unsigned;
use crate::names::DELIVERY_LOGS;

/// Deliveries with the same key.
pub(super) struct Group<K> {
    pub(super) key: K,
    /// The alphabetically last of their integrations' names.
    pub(super) name: String,
    pub(super) figures: DeliveryFigures,
}

#[derive(Debug, Deserialize)]
struct GroupDocument<K> {
    #[serde(rename = "_id")]
    key: K,
    name: String,
    parts: Vec<StatusClassDocument>,
}

/// Deliveries with the same status and response time class.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusClassDocument {
    status: String,
    class: Option<i32>,
    count: i64,
    attempts: i64,
    response_time_ms: i64,
}

impl DeliveryStatistics {
    /// Groups by a key, largest count first, limited to `most` if given.
    pub(super) async fn grouped<K>(
        &self,
        scope: &DeliveryScope,
        key: Bson,
        most: Option<u32>,
    ) -> Result<Vec<Group<K>>, CountError>
    where
        K: DeserializeOwned + Send + Sync,
    {
        let aggregation = Aggregation {
            collection: DELIVERY_LOGS,
            index: scope.index(),
            pipeline: pipeline(scope, key, most),
            timeout: self.timeout,
        };
        let groups = self.database.aggregate::<GroupDocument<K>>(aggregation).await?;
        Ok(groups.into_iter().map(Group::try_from).collect::<Result<_, _>>()?)
    }
}

fn pipeline(scope: &DeliveryScope, key: Bson, most: Option<u32>) -> Vec<Document> {
    let mut pipeline = vec![
        doc! { "$match": scope.query() },
        doc! { "$group": {
            "_id": { "key": key, "status": "$status", "class": class() },
            "name": { "$max": "$integrationName" },
            "count": { "$sum": 1_i64 },
            "attempts": { "$sum": "$attemptCount" },
            "responseTimeMs": { "$sum": "$responseTimeMs" },
        } },
        doc! { "$group": {
            "_id": "$_id.key",
            "name": { "$max": "$name" },
            "total": { "$sum": "$count" },
            "parts": { "$push": status_class() },
        } },
    ];
    if let Some(most) = most {
        pipeline.push(doc! { "$sort": { "total": -1, "_id": 1 } });
        pipeline.push(doc! { "$limit": i64::from(most) });
    }
    pipeline
}

/// One status and latency class of a group.
pub(super) fn status_class() -> Document {
    doc! {
        "status": "$_id.status", "class": "$_id.class", "count": "$count", "attempts": "$attempts", "responseTimeMs": "$responseTimeMs",
    }
}

/// [`ig_core::latency::class_of`] as an expression over the last request's time; null if there was no request.
pub(super) fn class() -> Document {
    let class = doc! { "$ceil": { "$divide": [{ "$ln": { "$max": ["$responseTimeMs", 1] } }, RATIO.ln()] } };
    let made = doc! { "$cond": [{ "$lt": ["$responseTimeMs", 1] }, INSTANT, { "$toInt": class }] };
    doc! { "$cond": [{ "$lt": ["$attemptCount", 1] }, Bson::Null, made] }
}

impl<K> TryFrom<GroupDocument<K>> for Group<K> {
    type Error = StoreError;

    fn try_from(document: GroupDocument<K>) -> Result<Self, StoreError> {
        let GroupDocument { key, name, parts } = document;
        let mut figures = DeliveryFigures::default();
        for part in parts {
            figures.add(part.try_into()?);
        }
        Ok(Self { key, name, figures })
    }
}

impl TryFrom<StatusClassDocument> for StatusClass {
    type Error = StoreError;

    fn try_from(document: StatusClassDocument) -> Result<Self, StoreError> {
        let StatusClassDocument {
            status,
            class,
            count,
            attempts,
            response_time_ms,
        } = document;
        Ok(Self {
            status: DeliveryStatus::parse(&status).ok_or_else(|| unreadable("status"))?,
            class,
            count: unsigned(count),
            attempts: unsigned(attempts),
            response_time: Duration::from_millis(unsigned(response_time_ms)),
        })
    }
}
