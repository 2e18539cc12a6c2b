//! A trace as stored. It borrows on write and owns on read.

use std::borrow::Cow;
use std::time::Duration;

use ig_core::delivery_log::{DeliveryLog, ExecutionTrace, Step};
use ig_core::id::LogId;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::StoredStep;
use crate::field::{date, micros, object_id, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    steps: Vec<StepDocument<'a>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    console: Cow<'a, [String]>,
    expires_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepDocument<'a> {
    name: Cow<'a, str>,
    offset_us: i64,
    duration_us: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

impl<'a> TraceDocument<'a> {
    pub(crate) fn new(log: &'a DeliveryLog, trace: &'a ExecutionTrace) -> Self {
        let ExecutionTrace { steps, console } = trace;
        Self {
            id: object_id(log.id.0),
            org_id: log.org_id.0,
            steps: steps.iter().map(StepDocument::from).collect(),
            console: console.as_slice().into(),
            expires_at: date(log.expires_at),
        }
    }

    /// The delivery's id, its steps and its console output.
    pub(super) fn read(self) -> (LogId, (Vec<StoredStep>, Vec<String>)) {
        let steps = self.steps.into_iter().map(StoredStep::from).collect();
        (LogId(self.id.bytes()), (steps, self.console.into_owned()))
    }
}

impl<'a> From<&'a Step> for StepDocument<'a> {
    fn from(step: &'a Step) -> Self {
        let Step {
            name,
            offset,
            duration,
            detail,
        } = step;
        Self {
            name: Cow::Borrowed(name),
            offset_us: micros(*offset),
            duration_us: micros(*duration),
            detail: detail.as_deref().map(Cow::from),
        }
    }
}

impl From<StepDocument<'_>> for StoredStep {
    fn from(stored: StepDocument<'_>) -> Self {
        Self {
            name: stored.name.into_owned(),
            offset: Duration::from_micros(unsigned(stored.offset_us)),
            duration: Duration::from_micros(unsigned(stored.duration_us)),
            detail: stored.detail.map(Cow::into_owned),
        }
    }
}
