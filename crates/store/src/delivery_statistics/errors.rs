//! Failed deliveries by error category.

use ig_core::clock::Timestamp;
use ig_core::delivery_log::DeliveryStatus;
use ig_core::id::IntegrationId;
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc, oid::ObjectId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{DeliveryScope, DeliveryStatistics};
use crate::aggregation::{Aggregation, CountError};
use crate::delivery_logs::read_category;
use crate::field::{timestamp, unsigned};
use crate::names::DELIVERY_LOGS;

/// Failed deliveries of one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFigures {
    /// The category.
    pub category: ErrorCategory,
    /// How many there are.
    pub count: u64,
    /// The error message of the latest one.
    pub last_message: String,
    /// When the latest one started.
    pub last_at: Timestamp,
}

/// One integration's failed deliveries of one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrationErrors {
    /// The integration.
    pub id: IntegrationId,
    /// One of the names that it had.
    pub name: String,
    /// Its failed deliveries.
    pub errors: ErrorFigures,
}

/// Failed deliveries, the most frequent category first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    /// By category.
    pub by_category: Vec<ErrorFigures>,
    /// By integration and category.
    pub by_integration: Vec<IntegrationErrors>,
}

#[derive(Debug, Deserialize)]
struct ErrorsDocument<K> {
    #[serde(rename = "_id")]
    key: K,
    name: String,
    count: i64,
    last: LastDocument,
}

#[derive(Debug, Deserialize)]
struct LastDocument {
    at: bson::DateTime,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    integration: ObjectId,
    category: String,
}

impl DeliveryStatistics {
    /// Counts failed deliveries; `most` limits the pairs of integration and category.
    pub async fn errors(&self, scope: &DeliveryScope, most: u32) -> Result<Errors, CountError> {
        let pair = doc! { "integration": "$integrationConfigId", "category": "$errorCategory" };
        let (categories, pairs) = tokio::try_join!(
            self.failed::<String>(scope, "$errorCategory", ErrorCategory::ALL.len().try_into().unwrap_or(most)),
            self.failed::<Pair>(scope, pair, most),
        )?;
        let categories = categories.into_iter().map(|found| read(&found.key, found.count, found.last));
        Ok(Errors {
            by_category: categories.collect::<Result<_, _>>()?,
            by_integration: pairs.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }

    async fn failed<K>(
        &self,
        scope: &DeliveryScope,
        key: impl Into<bson::Bson>,
        most: u32,
    ) -> Result<Vec<ErrorsDocument<K>>, CountError>
    where
        K: DeserializeOwned + Send + Sync,
    {
        let pipeline = vec![
            doc! { "$match": failed(scope) },
            doc! { "$group": {
                "_id": key.into(),
                "name": { "$max": "$integrationName" },
                "count": { "$sum": 1_i64 },
                // Documents compare by their first field first.
                "last": { "$max": { "at": "$createdAt", "message": "$errorMessage" } },
            } },
            doc! { "$sort": { "count": -1, "_id": 1 } },
            doc! { "$limit": i64::from(most) },
        ];
        let aggregation = Aggregation {
            collection: DELIVERY_LOGS,
            index: index(scope),
            pipeline,
            timeout: self.timeout,
        };
        self.database.aggregate(aggregation).await
    }
}

fn failed(scope: &DeliveryScope) -> Document {
    const FAILED: [DeliveryStatus; 3] = [DeliveryStatus::Abandoned, DeliveryStatus::Failed, DeliveryStatus::Retrying];
    let mut query = scope.query();
    query.insert("status", doc! { "$in": FAILED.map(DeliveryStatus::as_str).to_vec() });
    query.insert("errorCategory", doc! { "$exists": true });
    query
}

/// The index of unsuccessful deliveries; for one integration, the integration's own.
fn index(scope: &DeliveryScope) -> Option<Document> {
    if scope.integration_id.is_some() {
        return scope.index();
    }
    Some(doc! { "orgId": 1, "status": 1, "createdAt": -1, "_id": -1 })
}

fn read(category: &str, count: i64, last: LastDocument) -> Result<ErrorFigures, StoreError> {
    Ok(ErrorFigures {
        category: read_category(category)?,
        count: unsigned(count),
        last_message: last.message.unwrap_or_default(),
        last_at: timestamp(last.at),
    })
}

impl TryFrom<ErrorsDocument<Pair>> for IntegrationErrors {
    type Error = StoreError;

    fn try_from(document: ErrorsDocument<Pair>) -> Result<Self, StoreError> {
        let ErrorsDocument { key, name, count, last } = document;
        Ok(Self {
            id: IntegrationId(key.integration.bytes()),
            name,
            errors: read(&key.category, count, last)?,
        })
    }
}
