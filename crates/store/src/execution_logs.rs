//! Traces of deliveries: steps and console output. Everything else is in the delivery log with the same id, and is stored once.

mod document;

use std::collections::HashMap;
use std::time::Duration;

use ig_core::delivery_log::DeliveryLog;
use ig_core::id::{LogId, OrgId};
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::TraceDocument;

use crate::database::Database;
use crate::delivery_logs::DeliveryLogs;
use crate::field::object_id;
use crate::log_filter::LogFilter;
use crate::names::EXECUTION_LOGS;
use crate::page::{Listed, Page};

/// A delivery with its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTrace {
    /// The delivery, without payloads and bodies.
    pub delivery: DeliveryLog,
    /// The steps in order.
    pub steps: Vec<StoredStep>,
    /// The console output of its scripts.
    pub console: Vec<String>,
}

/// One step of a trace as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// The step's name, such as `transform` or `attempt`.
    pub name: String,
    /// Time since the start of the delivery.
    pub offset: Duration,
    /// How long it took.
    pub duration: Duration,
    /// A short description of its result.
    pub detail: Option<String>,
}

/// Read access to traces; the journal writes them.
#[derive(Debug, Clone)]
pub struct ExecutionLogs {
    database: Database,
}

impl ExecutionLogs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads the trace of one of an organisation's deliveries.
    pub async fn get(&self, org: OrgId, id: LogId) -> Result<Option<StoredTrace>, StoreError> {
        let Some(delivery) = self.deliveries().without_bodies(org, id).await? else {
            return Ok(None);
        };
        Ok(self.traced(org, vec![delivery]).await?.pop())
    }

    /// Lists an organisation's traces, newest first.
    pub async fn list(&self, org: OrgId, filter: &LogFilter, page: Page) -> Result<Listed<StoredTrace>, StoreError> {
        let Listed { items, total, is_exact } = self.deliveries().list(org, filter, page).await?;
        let items = self.traced(org, items).await?;
        Ok(Listed { items, total, is_exact })
    }

    fn deliveries(&self) -> DeliveryLogs {
        DeliveryLogs::new(self.database.clone())
    }

    /// Adds the stored traces to deliveries.
    async fn traced(&self, org: OrgId, deliveries: Vec<DeliveryLog>) -> Result<Vec<StoredTrace>, StoreError> {
        let ids: Vec<_> = deliveries.iter().map(|delivery| object_id(delivery.id.0)).collect();
        let traces = self.database.collection::<TraceDocument<'static>>(EXECUTION_LOGS);
        let find = traces.find(doc! { "_id": { "$in": ids }, "orgId": org.0 });
        let found = self.database.all(find).await?;
        let mut found: HashMap<_, _> = found.into_iter().map(TraceDocument::read).collect();
        let traced = deliveries.into_iter().map(|delivery| {
            let (steps, console) = found.remove(&delivery.id).unwrap_or_default();
            StoredTrace {
                delivery,
                steps,
                console,
            }
        });
        Ok(traced.collect())
    }
}
