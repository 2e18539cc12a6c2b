//! What is counted of integrations whose deliveries fail: one document an integration that ever had a failure.

mod document;

use async_trait::async_trait;
use ig_core::breaker::Breaker;
use ig_core::clock::Timestamp;
use ig_core::delivery_log::DeliveryStatus;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::{Breakers, StoreError};
use mongodb::bson::{DateTime, doc};
use serde::Deserialize;

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, object_id, timestamp};
use crate::names::{BREAKERS, DELIVERY_LOGS};
use document::BreakerDocument;

/// How long before it ended a delivery may have begun: all of its attempts, and the waits between them.
const LONGEST_DELIVERY: std::time::Duration = std::time::Duration::from_mins(30);

/// The breakers.
#[derive(Debug, Clone)]
pub struct MongoBreakers {
    database: Database,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveredAt {
    delivered_at: DateTime,
}

impl MongoBreakers {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Begins all counting anew, whatever is counted.
    pub async fn reset(&self, org: OrgId, id: IntegrationId) -> Result<(), StoreError> {
        loop {
            let breaker = self.get(org, id).await?;
            if breaker == Breaker::default() || self.put(org, id, &breaker.enabled()).await? {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl Breakers for MongoBreakers {
    async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Breaker, StoreError> {
        let breakers = self.database.collection::<BreakerDocument>(BREAKERS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0 };
        let found = self.database.within(breakers.find_one(filter)).await?;
        found.map_or_else(|| Ok(Breaker::default()), BreakerDocument::read)
    }

    async fn put(&self, org: OrgId, id: IntegrationId, next: &Breaker) -> Result<bool, StoreError> {
        let breakers = self.database.collection::<BreakerDocument>(BREAKERS);
        let document = BreakerDocument::new(org, id, next);
        if next.version == 1 {
            return match self.database.raw(breakers.insert_one(document)).await? {
                Ok(_) => Ok(true),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(store_error(&error)),
            };
        }
        let read = doc! { "_id": object_id(id.0), "orgId": org.0, "version": long(next.version - 1) };
        let replaced = self.database.within(breakers.replace_one(read, document)).await?;
        Ok(replaced.matched_count > 0)
    }

    async fn last_success_after(&self, org: OrgId, id: IntegrationId, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let logs = self.database.collection::<DeliveredAt>(DELIVERY_LOGS);
        let found = logs
            .find_one(doc! {
                "integrationConfigId": object_id(id.0),
                "orgId": org.0,
                "status": DeliveryStatus::Success.as_str(),
                "createdAt": { "$gt": date(after - LONGEST_DELIVERY) },
                "deliveredAt": { "$gt": date(after) },
            })
            .sort(doc! { "deliveredAt": -1 })
            .projection(doc! { "deliveredAt": 1 });
        let found = self.database.within(found).await?;
        Ok(found.map(|log| timestamp(log.delivered_at)))
    }
}
