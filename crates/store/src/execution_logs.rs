//! Traces of deliveries: the steps and the console. Payloads are in the delivery log, which has the same id.

mod document;

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::delivery_log::{DeliveryStatus, Destination, Direction};
use ig_core::id::{EventId, EventType, IntegrationId, LogId, OrgId};
use ig_core::outcome::ErrorCategory;
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::TraceDocument;

use crate::database::Database;
use crate::field::object_id;
use crate::log_filter::LogFilter;
use crate::names::EXECUTION_LOGS;
use crate::page::{Listed, Page, Sought};

/// A delivery's trace as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTrace {
    /// Its identifier, and its delivery log's.
    pub id: LogId,
    /// The trace it belongs to.
    pub trace_id: String,
    /// The message's identifier.
    pub message_id: String,
    /// The tenant.
    pub org_id: OrgId,
    /// What the delivery was for.
    pub integration_id: IntegrationId,
    /// The integration's name at the time.
    pub integration_name: String,
    /// The event's identifier within its source.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// Which way it went.
    pub direction: Direction,
    /// Where the delivery stands.
    pub status: DeliveryStatus,
    /// Why it failed, if it did.
    pub error: Option<(ErrorCategory, String)>,
    /// The last answered status, if there was an answer.
    pub response_status: Option<u16>,
    /// Where it went.
    pub target: Destination,
    /// What was done, in order.
    pub steps: Vec<StoredStep>,
    /// What scripts wrote to their console.
    pub console: Vec<String>,
    /// When the gateway took the delivery up.
    pub created_at: Timestamp,
    /// When the target took it.
    pub delivered_at: Option<Timestamp>,
}

/// One step of a trace as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// What was done, such as `transform` or `attempt`.
    pub name: String,
    /// How long after the start of the delivery.
    pub offset: Duration,
    /// How long it took.
    pub duration: Duration,
    /// What came of it, in a few words.
    pub detail: Option<String>,
}

/// The traces, for reading; the journal writes them.
#[derive(Debug, Clone)]
pub struct ExecutionLogs {
    database: Database,
}

impl ExecutionLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The trace of one of an organisation's deliveries.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<StoredTrace>, StoreError> {
        let traces = self.database.collection::<TraceDocument<'static>>(EXECUTION_LOGS);
        let found = self
            .database
            .within(traces.find_one(doc! { "_id": object_id(id.0), "orgId": org.0 }))
            .await?;
        found.map(StoredTrace::try_from).transpose()
    }

    /// An organisation's traces, newest first.
    pub async fn list(&self, org: OrgId, filter: &LogFilter, page: Page) -> Result<Listed<StoredTrace>, StoreError> {
        if filter.trace_id.is_some() {
            // These are few, and an index of their own finds them.
            let (query, order) = (filter.timed_query(org), doc! { "createdAt": -1, "_id": -1 });
            let found = self
                .database
                .page::<TraceDocument<'static>>(EXECUTION_LOGS, query, order, None, page);
            return found.await?.try_map(StoredTrace::try_from);
        }
        let sought = Sought {
            collection: EXECUTION_LOGS,
            query: filter.query(org),
            keys: &["orgId"],
            period: filter.period(),
            without: None,
        };
        let listed = self.database.latest::<TraceDocument<'static>>(sought, page).await?;
        listed.try_map(StoredTrace::try_from)
    }
}
