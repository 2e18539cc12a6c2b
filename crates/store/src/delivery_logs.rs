//! Delivery logs: one document a delivery, with every attempt.

mod attempt;
mod document;
mod document_budget;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use ig_core::delivery_log::{DeliveryLog, DeliveryStatus};
use ig_core::id::{LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::{Document, doc};

pub(crate) use document::{DeliveryDocument, read_category};

use crate::database::Database;
use crate::field::object_id;
use crate::log_filter::LogFilter;
use crate::names::DELIVERY_LOGS;
use crate::page::{IdentifierSearch, Listed, Page, SortTime, TimedSearch, identifier_filter};
use crate::stored::Stored;

/// Deliveries per batch of a stream.
const BATCH: usize = 500;
const CURSOR_BATCH: u32 = 500;

/// Deliveries in batches.
pub type DeliveryLogBatches = BoxStream<'static, Result<Vec<DeliveryLog>, StoreError>>;

/// Read access to the delivery logs; the journal writes them.
#[derive(Debug, Clone)]
pub struct DeliveryLogs {
    database: Database,
}

impl DeliveryLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's deliveries with all that is stored of it.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<DeliveryLog>, StoreError> {
        self.find_one(org, id, Document::new()).await
    }

    /// The same without payloads and bodies.
    pub(crate) async fn without_bodies(&self, org: OrgId, id: LogId) -> Result<Option<DeliveryLog>, StoreError> {
        self.find_one(org, id, without_bodies()).await
    }

    async fn find_one(&self, org: OrgId, id: LogId, projection: Document) -> Result<Option<DeliveryLog>, StoreError> {
        let logs = self.database.collection::<DeliveryDocument<'static>>(DELIVERY_LOGS);
        let find = logs
            .find_one(doc! { "_id": object_id(id.0), "orgId": org.0 })
            .projection(projection);
        self.database.within(find).await?.map(DeliveryLog::try_from).transpose()
    }

    /// Lists an organisation's deliveries, newest first, without payloads and bodies.
    pub async fn list(&self, org: OrgId, filter: &LogFilter, page: Page) -> Result<Listed<DeliveryLog>, StoreError> {
        if let Some(name) = filter.name(org) {
            let search = IdentifierSearch {
                collection: DELIVERY_LOGS,
                name,
                query: filter.timed_query(org),
                order: newest_first(),
                without: Some(without_bodies()),
            };
            let found = self.database.by_identifier::<DeliveryDocument<'static>>(search, page).await?;
            return found.try_map(DeliveryLog::try_from);
        }
        let search = TimedSearch {
            collection: DELIVERY_LOGS,
            query: filter.query(org),
            keys: index_keys(filter),
            time: SortTime::CREATED,
            period: filter.period(),
            without: Some(without_bodies()),
        };
        let listed = self.database.latest::<DeliveryDocument<'static>>(search, page).await?;
        listed.try_map(DeliveryLog::try_from)
    }

    /// Streams all of an organisation's deliveries that match a filter, newest first, without payloads and bodies, one
    /// batch in memory at a time.
    pub async fn stream(&self, org: OrgId, filter: &LogFilter) -> Result<DeliveryLogBatches, StoreError> {
        let logs = self.database.collection::<DeliveryDocument<'static>>(DELIVERY_LOGS);
        let find = logs
            .find(identifier_filter(
                filter.name(org).unwrap_or_default(),
                filter.timed_query(org),
            ))
            .sort(newest_first())
            .projection(without_bodies())
            .batch_size(CURSOR_BATCH);
        let cursor = self.database.within(find).await?;
        let batches = stream::try_unfold((self.clone(), cursor), |(logs, mut cursor)| async move {
            let batch = logs.next_batch(&mut cursor).await?;
            Ok((!batch.is_empty()).then_some((batch, (logs, cursor))))
        });
        Ok(batches.boxed())
    }

    async fn next_batch(&self, cursor: &mut Cursor<Stored<DeliveryDocument<'static>>>) -> Result<Vec<DeliveryLog>, StoreError> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            match self.database.next(cursor).await? {
                Some(log) => batch.push(log.try_into()?),
                None => break,
            }
        }
        Ok(batch)
    }
}

/// The fields of the most selective index; see `migrate`.
fn index_keys(filter: &LogFilter) -> &'static [&'static str] {
    match filter.status {
        _ if filter.integration_id.is_some() => &["integrationConfigId"],
        Some(status) if status != DeliveryStatus::Success => &["orgId", "status"],
        _ => &["orgId"],
    }
}

fn newest_first() -> Document {
    doc! { "createdAt": -1, "_id": -1 }
}

fn without_bodies() -> Document {
    doc! { "originalPayload": 0, "requestPayload": 0, "attempts.responseBody": 0 }
}
