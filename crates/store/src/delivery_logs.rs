//! Deliveries with every attempt: one document each.

mod attempt;
mod document;
mod room;

use ig_core::delivery_log::DeliveryLog;
use ig_core::id::{LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::{DeliveryDocument, read_category};
pub use room::LARGEST_STORED_PAYLOAD;

use crate::database::Database;
use crate::field::object_id;
use crate::log_filter::LogFilter;
use crate::names::DELIVERY_LOGS;
use crate::page::{Listed, Page};

/// The deliveries, for reading; the journal writes them.
#[derive(Debug, Clone)]
pub struct DeliveryLogs {
    database: Database,
}

impl DeliveryLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// One of an organisation's deliveries, with all that was kept of it.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<DeliveryLog>, StoreError> {
        let logs = self.database.collection::<DeliveryDocument<'static>>(DELIVERY_LOGS);
        let found = self
            .database
            .within(logs.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 }))
            .await?;
        found.map(DeliveryLog::try_from).transpose()
    }

    /// An organisation's deliveries, newest first, without payloads and bodies.
    pub async fn list(&self, org: OrgId, filter: &LogFilter, page: Page) -> Result<Listed<DeliveryLog>, StoreError> {
        let without_bodies = doc! { "originalPayload": 0, "requestPayload": 0, "attempts.responseBody": 0 };
        let newest_first = doc! { "createdAt": -1, "_id": -1 };
        let listed = self
            .database
            .page::<DeliveryDocument<'static>>(DELIVERY_LOGS, filter.query(org), newest_first, Some(without_bodies), page)
            .await?;
        listed.try_map(DeliveryLog::try_from)
    }
}
