//! What people do with jobs: run them, test their data sources, look at their next runs, set their watermarks.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::job::{JobSchedule, WatermarkValue};
use ig_documents::text::prefix_faults;
use ig_documents::{DataSourceDocument, JobScheduleDocument};
use ig_peers::{RunStarted, SourceSample};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{milliseconds, to_json};
use crate::body::validated;
use crate::error::ApiError;

/// A run that was started by hand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobRunStarted {
    /// The job log to follow.
    log_id: String,
    /// When the run began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
}

impl From<RunStarted> for JobRunStarted {
    fn from(RunStarted { run, started_at }: RunStarted) -> Self {
        Self {
            log_id: run.to_string(),
            started_at,
        }
    }
}

/// The result of a request to cancel a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobRunCancelled {
    /// False if the run had ended already.
    pub was_running: bool,
}

/// A data source to test.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DataSourceTest {
    /// The data source.
    pub data_source: DataSourceDocument,
    /// A stored job, whose secrets the masks in `dataSource` stand for as long as they go to the same host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The entity that the job runs for; the job's or the organisation by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<i64>,
    /// The value of `{{job.watermark}}`; the job's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub watermark: Option<String>,
}
validated!(DataSourceTest);

/// What a test of a data source read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataSourceTested {
    /// Whether the data source could be read.
    success: bool,
    /// The first records, ten at most.
    records: Vec<Value>,
    /// Whether there are more.
    is_truncated: bool,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// Why it could not be read.
    error: Option<String>,
}

impl TryFrom<SourceSample> for DataSourceTested {
    type Error = ApiError;

    fn try_from(sample: SourceSample) -> Result<Self, ApiError> {
        let SourceSample {
            records,
            is_truncated,
            error,
            duration,
        } = sample;
        Ok(Self {
            success: error.is_none(),
            records: records.iter().map(|record| read_record(record)).collect::<Result<_, _>>()?,
            is_truncated,
            duration_ms: milliseconds(duration.min(Duration::from_hours(1))),
            error,
        })
    }
}

fn read_record(text: &str) -> Result<Value, ApiError> {
    ig_core::json::parse(text.as_bytes()).map_err(|error| {
        tracing::error!(%error, "a runner's record is no JSON");
        ApiError::internal()
    })
}

/// A schedule to preview.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NextRunsRequest {
    /// The schedule.
    pub schedule: JobScheduleDocument,
    /// The entity that the job runs for, whose timezone applies by default; the organisation by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<i64>,
}
validated!(NextRunsRequest);

impl NextRunsRequest {
    /// The domain's schedule, or everything that is wrong with it.
    pub(crate) fn schedule(&self) -> Result<JobSchedule, ApiError> {
        let schedule = JobSchedule::read(&to_json(&self.schedule)?);
        Ok(prefix_faults("/schedule", schedule)?)
    }
}

/// A value to set a watermark to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WatermarkChange {
    /// The value of `{{job.watermark}}` in the next run: a number, or a text such as a time. Null begins anew at the initial value of
    /// the job's configuration.
    #[serde(default, with = "ig_documents::json_text")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<Value>,
}
validated!(WatermarkChange);

impl WatermarkChange {
    /// The domain's value, or what is wrong with it.
    pub(crate) fn value(&self) -> Result<Option<WatermarkValue>, Faults> {
        let Some(value) = self.value.as_ref().filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let value = WatermarkValue::try_from(value);
        value.map(Some).map_err(|error| Faults::single("/value", error.to_string()))
    }
}
