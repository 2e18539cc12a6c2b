//! Abandoned dead letters whose alert is still owed. The debt is stored in the dead letter itself, so that a crash
//! loses no alert.

use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Document, doc};
use serde::Deserialize;

use super::DeadLetters;
use crate::field::{object_id, timestamp};

/// A dead letter that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Its identifier.
    pub id: LogId,
    /// The tenant.
    pub org_id: OrgId,
    /// Its integration.
    pub integration_id: IntegrationId,
    /// The integration's name at the time of the delivery.
    pub integration_name: String,
    /// Why it was given up.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenUpDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    integration_config_id: ObjectId,
    integration_name: String,
    last_error: String,
    redelivery: Option<ReasonDocument>,
    updated_at: bson::DateTime,
}

#[derive(Debug, Deserialize)]
struct ReasonDocument {
    reason: Option<String>,
}

impl DeadLetters {
    /// Dead letters of all organisations that were given up and whose alert is still owed.
    pub async fn pending_alerts(&self, limit: i64) -> Result<Vec<GivenUp>, StoreError> {
        let fields = doc! {
            "orgId": 1, "integrationConfigId": 1, "integrationName": 1, "lastError": 1, "redelivery.reason": 1, "updatedAt": 1,
        };
        let owed = self.letters::<GivenUpDocument>();
        let find = owed.find(doc! { "alertOwed": true }).limit(limit).projection(fields);
        Ok(self.database.all(find).await?.into_iter().map(GivenUp::from).collect())
    }

    /// Records that the alerts for these were sent.
    pub async fn mark_alerted(&self, ids: &[LogId]) -> Result<(), StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| object_id(id.0)).collect();
        let sent = doc! { "$unset": { "alertOwed": "" } };
        let letters = self.letters::<Document>();
        self.database
            .within(letters.update_many(doc! { "_id": { "$in": ids } }, sent))
            .await?;
        Ok(())
    }
}

impl From<GivenUpDocument> for GivenUp {
    fn from(stored: GivenUpDocument) -> Self {
        let GivenUpDocument {
            id,
            org_id,
            integration_config_id,
            integration_name,
            last_error,
            redelivery,
            updated_at,
        } = stored;
        Self {
            id: LogId(id.bytes()),
            org_id: OrgId(org_id),
            integration_id: IntegrationId(integration_config_id.bytes()),
            integration_name,
            reason: redelivery.and_then(|redelivery| redelivery.reason).unwrap_or(last_error),
            at: timestamp(updated_at),
        }
    }
}
