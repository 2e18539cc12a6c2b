//! What people ask for: to cancel a run, and to set a watermark.

use ig_core::clock::Timestamp;
use ig_core::job::{CancelRequest, JobKey, RunId, RunStatus, Watermark};
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, Document, doc};

use super::document::watermark_fields;
use super::{JobStates, of, update};
use crate::field::{date, object_id};

/// The result of a request to cancel a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The holder of the run sees the request with its next write.
    Requested,
    /// The run has ended before, with this status.
    Ended(RunStatus),
    /// The job has no such run.
    NotFound,
}

/// The result of a request to set a watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetOutcome {
    /// It is set, and a run that is under way will not move it.
    Done,
    /// The job has no state: it is deleted, or so new that it was never planned.
    NotFound,
}

impl JobStates {
    /// Requests that a run be cancelled. A request that is repeated changes nothing.
    pub async fn cancel(&self, key: JobKey, run: RunId, by: &str, now: Timestamp) -> Result<CancelOutcome, StoreError> {
        let CancelRequest { by, at } = CancelRequest::new(by, now);
        let mut unasked = of(key);
        unasked.extend(doc! { "running.runId": object_id(run.0), "running.cancel": Bson::Null });
        let request = doc! { "$set": { "running.cancel": { "by": by, "at": date(at) } } };
        let states = self.states::<Document>();
        if self.database.within(states.update_one(unasked, request)).await?.matched_count > 0 {
            return Ok(CancelOutcome::Requested);
        }
        // A log says that a run is under way as long as the state does, so a run that ended in between has ended here.
        Ok(match self.logs.status(key, run).await? {
            None => CancelOutcome::NotFound,
            Some(RunStatus::Running) => CancelOutcome::Requested,
            Some(ended) => CancelOutcome::Ended(ended),
        })
    }

    /// Sets the watermark of a job, or removes it, so that the next run begins at the configured one.
    pub async fn reset_watermark(&self, key: JobKey, watermark: Option<&Watermark>) -> Result<ResetOutcome, StoreError> {
        let change = |mut set: Document| match watermark {
            Some(watermark) => {
                set.insert("watermark", watermark_fields(watermark));
                update(set, Document::new())
            }
            None => update(set, doc! { "watermark": "" }),
        };
        let (mut idle, mut running) = (of(key), of(key));
        idle.insert("running", Bson::Null);
        running.insert("running", doc! { "$ne": Bson::Null });
        let changes = [
            (running.clone(), change(doc! { "running.watermarkReset": true })),
            (idle, change(Document::new())),
            // A run has begun between the two.
            (running, change(doc! { "running.watermarkReset": true })),
        ];
        let states = self.states::<Document>();
        for (filter, change) in changes {
            if self.database.within(states.update_one(filter, change)).await?.matched_count > 0 {
                return Ok(ResetOutcome::Done);
            }
        }
        Ok(ResetOutcome::NotFound)
    }
}
