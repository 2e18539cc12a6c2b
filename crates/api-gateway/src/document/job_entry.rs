//! Scheduled jobs as clients read them: their configuration, and what became of it so far.

use std::borrow::Cow;

use ig_core::clock::Timestamp;
use ig_core::job::{JobState, RunStatus};
use ig_documents::remove_field;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::JobDocument;
use super::listing::listing;

/// A scheduled job with its state.
#[derive(Debug, Serialize)]
pub(crate) struct JobEntry {
    #[serde(flatten)]
    job: JobDocument,
    #[serde(flatten)]
    state: JobStateFields,
}

/// The state of a job, which is not part of its configuration.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobStateFields {
    /// When the job runs next; absent while it is inactive, or not planned yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    next_run: Option<Timestamp>,
    /// When its last run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>, format = DateTime)]
    last_run: Option<Timestamp>,
    /// How its last finished run ended: SUCCESS, FAILED or CANCELLED; RUNNING while one is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only, value_type = Option<String>)]
    last_status: Option<&'static str>,
    /// How far an incremental job has come: the value of `{{job.watermark}}` in its next run; absent before the first delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    current_watermark: Option<Value>,
}

/// The names of the fields of a state, which a client sends back with a job that it has read.
const STATE_FIELDS: [&str; 4] = ["nextRun", "lastRun", "lastStatus", "currentWatermark"];

listing! {
    /// A page of scheduled jobs.
    JobList { jobs: JobEntry, unreadable }
}

impl JobEntry {
    /// A job with its state, if it was ever planned.
    pub(crate) fn new(job: JobDocument, state: Option<JobState>) -> Self {
        let state = state.map(|state| JobStateFields::of(&job, state)).unwrap_or_default();
        Self { job, state }
    }

    /// A job's document without the fields of its state, which no client sets.
    pub(crate) fn without_state(mut document: Value) -> Value {
        for field in STATE_FIELDS {
            remove_field(&mut document, field);
        }
        document
    }
}

impl JobStateFields {
    fn of(job: &JobDocument, state: JobState) -> Self {
        let JobState {
            next_run,
            last_run,
            last_outcome,
            running,
            watermark,
            ..
        } = state;
        let field = job.watermark.as_ref().map(|watermark| watermark.field.as_str());
        // A watermark of another field is of an earlier configuration and no longer counts.
        let watermark = watermark.filter(|watermark| Some(watermark.field.as_str()) == field);
        let status = running.map(|_| RunStatus::Running).or(last_outcome);
        Self {
            next_run: next_run.filter(|_| job.is_active.unwrap_or(true)),
            last_run,
            last_status: status.map(RunStatus::as_str),
            current_watermark: watermark.map(|watermark| Value::from(&watermark.value)),
        }
    }
}

impl PartialSchema for JobEntry {
    fn schema() -> RefOr<Schema> {
        let mut whole = JobDocument::schema();
        if let (RefOr::T(Schema::Object(whole)), RefOr::T(Schema::Object(state))) = (&mut whole, JobStateFields::schema()) {
            whole.properties.extend(state.properties);
        }
        whole
    }
}

impl ToSchema for JobEntry {
    fn name() -> Cow<'static, str> {
        "ScheduledJobEntry".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        JobDocument::schemas(schemas);
        JobStateFields::schemas(schemas);
    }
}
