//! State of circuit breakers: one document for each integration that ever had a failed delivery.
//!
//! The version does not guard `deliveredAt`: any process moves it forward, and no other write moves it back.

mod document;

use async_trait::async_trait;
use ig_core::breaker::Breaker;
use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::{Breakers, StoreError};
use mongodb::ClientSession;
use mongodb::bson::{self, Document, doc};

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::{date, long, object_id};
use crate::names::BREAKERS;
use document::BreakerDocument;

/// The repository of circuit breakers.
#[derive(Debug, Clone)]
pub struct MongoBreakers {
    database: Database,
}

impl MongoBreakers {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a breaker's next state within a transaction; false if another process changed it since it was read.
    pub(crate) async fn put_within(
        &self,
        session: &mut ClientSession,
        org: OrgId,
        id: IntegrationId,
        next: &Breaker,
    ) -> mongodb::error::Result<bool> {
        let breakers = self.database.collection::<Document>(BREAKERS);
        let fields = fields(org, id, next).map_err(mongodb::error::Error::custom)?;
        if next.version == 1 {
            let update = breakers.update_one(doc! { "_id": object_id(id.0) }, doc! { "$setOnInsert": fields });
            let made = update.upsert(true).session(session).await?;
            return Ok(made.upserted_id.is_some());
        }
        let update = breakers.update_one(previous_version(org, id, next), doc! { "$set": fields });
        Ok(update.session(session).await?.matched_count > 0)
    }
}

/// Resets all counters within the transaction that activates the integration.
pub(crate) async fn reset(database: &Database, session: &mut ClientSession, id: IntegrationId) -> mongodb::error::Result<()> {
    let reset = doc! {
        "$inc": { "version": 1_i64 },
        "$set": { "opened": null, "probe": null, "row": [], "remembered": [] },
    };
    let breakers = database.collection::<Document>(BREAKERS);
    let update = breakers.update_one(doc! { "_id": object_id(id.0) }, reset);
    update.session(session).await.map(drop)
}

fn previous_version(org: OrgId, id: IntegrationId, next: &Breaker) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.0, "version": long(next.version - 1) }
}

/// All fields of a breaker except its key and those that the version does not guard.
fn fields(org: OrgId, id: IntegrationId, next: &Breaker) -> Result<Document, StoreError> {
    let document = bson::serialize_to_document(&BreakerDocument::new(org, id, next));
    let mut document = document.map_err(|error| StoreError::Refused(error.to_string()))?;
    document.remove("_id");
    Ok(document)
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
        if next.version == 1 {
            let document = BreakerDocument::new(org, id, next);
            return match self.database.raw(breakers.insert_one(document)).await? {
                Ok(_) => Ok(true),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(store_error(&error)),
            };
        }
        let change = doc! { "$set": fields(org, id, next)? };
        let updated = self
            .database
            .within(breakers.update_one(previous_version(org, id, next), change))
            .await?;
        Ok(updated.matched_count > 0)
    }

    async fn delivered(&self, integrations: &[IntegrationId], at: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = integrations.iter().map(|id| object_id(id.0)).collect();
        let breakers = self.database.collection::<Document>(BREAKERS);
        let update = breakers.update_many(doc! { "_id": { "$in": ids } }, doc! { "$max": { "deliveredAt": date(at) } });
        self.database.within(update).await.map(drop)
    }
}
