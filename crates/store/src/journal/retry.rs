//! Retried deliveries: each delivery has one log for ever, so the result of a retry updates it.

use ig_core::delivery_log::{DeliveryLog, DeliveryStatus, ExecutionTrace};
use ig_core::ports::StoreError;
use mongodb::bson::{self, Document, doc};

use super::MongoJournal;
use crate::delivery_logs::DeliveryDocument;
use crate::error::{is_duplicate, store_error};
use crate::execution_logs::TraceDocument;
use crate::field::object_id;
use crate::names::{DELIVERY_LOGS, EXECUTION_LOGS};

impl MongoJournal {
    /// Records a retry. A delivery that succeeded or was skipped stays so. The trace is written first: the log marks
    /// the record as complete.
    pub(super) async fn record_retry(&self, log: &DeliveryLog, trace: &ExecutionTrace) -> Result<(), StoreError> {
        self.trace_retry(log, trace).await?;
        let logs = self.database.collection::<DeliveryDocument<'_>>(DELIVERY_LOGS);
        let replaced = logs.replace_one(unfinished(log), DeliveryDocument::from(log)).upsert(true);
        match self.database.raw(replaced).await? {
            // The log exists and is final.
            Err(error) if !is_duplicate(&error) => Err(store_error(&error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Adds the steps of a retry to the trace, once: the time of the first step identifies the retry. They are added
    /// even if another retry has completed the delivery since.
    async fn trace_retry(&self, log: &DeliveryLog, trace: &ExecutionTrace) -> Result<(), StoreError> {
        let traces = self.database.collection::<Document>(EXECUTION_LOGS);
        let mut earlier = doc! { "_id": object_id(log.id.0), "orgId": log.org_id.0 };
        if let Some(retry) = trace.steps.first() {
            earlier.insert("steps.detail", doc! { "$ne": retry.detail.as_deref() });
        }
        let added = traces.update_one(earlier, added(log, trace)?);
        self.database.within(added).await?;
        Ok(())
    }
}

fn added(log: &DeliveryLog, trace: &ExecutionTrace) -> Result<Document, StoreError> {
    let written = bson::serialize_to_document(&TraceDocument::new(log, trace));
    let mut written = written.map_err(|error| StoreError::Refused(error.to_string()))?;
    let mut push = Document::new();
    for list in ["steps", "console"] {
        if let Some(items) = written.remove(list) {
            push.insert(list, doc! { "$each": items });
        }
    }
    Ok(doc! { "$push": push })
}

fn unfinished(log: &DeliveryLog) -> Document {
    let finished = [DeliveryStatus::Success.as_str(), DeliveryStatus::Skipped.as_str()];
    doc! { "_id": object_id(log.id.0), "orgId": log.org_id.0, "status": { "$nin": finished } }
}
