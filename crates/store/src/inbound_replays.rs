//! Replay protection: used signatures, so that none is accepted twice while its timestamp is valid.

use ig_core::clock::Timestamp;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::database::Database;
use crate::error::{is_duplicate, store_error};
use crate::field::date;
use crate::names::INBOUND_REPLAYS;

/// The repository of used signatures.
#[derive(Debug, Clone)]
pub struct InboundReplays {
    database: Database,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UsedDocument {
    #[serde(rename = "_id")]
    key: String,
    org_id: i64,
    expires_at: bson::DateTime,
}

impl InboundReplays {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Records a signature until its timestamp is stale; false if any replica has accepted it before.
    pub async fn take(
        &self,
        org: OrgId,
        integration: IntegrationId,
        message: &str,
        signed_at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = Sha256::new()
            .chain_update(signed_at.timestamp().to_be_bytes())
            .chain_update(message);
        let document = UsedDocument {
            key: format!("{integration}/{}", hex::encode(hash.finalize())),
            org_id: org.0,
            expires_at: date(until),
        };
        let used = self.database.collection::<UsedDocument>(INBOUND_REPLAYS);
        match self.database.raw(used.insert_one(document)).await? {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(store_error(&error)),
        }
    }
}
