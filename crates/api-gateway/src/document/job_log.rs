//! The runs of scheduled jobs, as clients read them.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::job::{
    Excerpt, JobRun, RunCounts, RunError, RunRequest, RunResponse, RunStage, RunStages, RunSubject, RunTrigger, Skip, SkipReason,
    StageResult,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::delivery_log::{by_name, json_or_text};
use super::listing::listing;

/// A run of a scheduled job, or firings that did not run. Lists leave out data, bodies, commands and stacks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduledJobLog)]
pub(crate) struct JobLogEntry {
    /// The log's identifier, which is also the run's.
    id: String,
    /// The organisation.
    org_id: i64,
    /// The job.
    integration_config_id: String,
    /// The job's name at the time.
    integration_name: String,
    /// The entity that it ran for.
    tenant_id: i64,
    /// SCHEDULED or MANUAL.
    trigger_type: &'static str,
    /// When the firing was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// Who ran the job by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_by: Option<String>,
    /// How many earlier firings, missed while nothing ran, the run makes up for.
    missed_firings: u32,
    /// RUNNING, SUCCESS, FAILED, SKIPPED or CANCELLED.
    status: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    /// Whether fetching succeeded: SUCCESS or FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_fetch_stage: Option<&'static str>,
    /// Whether transforming succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    transformation_stage: Option<&'static str>,
    /// Whether delivering succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_stage: Option<&'static str>,
    /// How many records it fetched.
    records_fetched: u64,
    /// How many deliveries there are to make.
    batches: u32,
    /// How many deliveries were made.
    batches_delivered: u32,
    /// How many deliveries the script chose not to make.
    batches_skipped: u32,
    /// The data as fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_fetched: Option<Value>,
    /// The data as transformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    transformed_payload: Option<Value>,
    /// The last request, or the one that failed; secrets are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_request: Option<JobRequestEntry>,
    /// A command that sends the request again, with secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    curl_command: Option<String>,
    /// The response to that request.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_response: Option<JobResponseEntry>,
    /// Why it failed, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_context: Option<JobErrorEntry>,
    /// Why firings did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<JobSkipEntry>,
    /// The fields of which only the beginning was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    truncated: Vec<&'static str>,
}

/// A request of a run, secrets masked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledJobRequest)]
struct JobRequestEntry {
    /// The HTTP method.
    method: &'static str,
    /// The address.
    url: String,
    /// The headers.
    headers: BTreeMap<String, String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// A response to a run's request, secrets masked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledJobResponse)]
struct JobResponseEntry {
    /// The status.
    status: u16,
    /// The headers.
    headers: BTreeMap<String, String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// Why a run failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledJobError)]
struct JobErrorEntry {
    /// The stage: `DATA_FETCH`, TRANSFORMATION or DELIVERY.
    stage: &'static str,
    /// What happened.
    error: String,
    /// The stack of the script, if it threw.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
}

/// Why firings did not run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduledJobSkip)]
struct JobSkipEntry {
    /// `STILL_RUNNING` where an earlier run was under way, `TOO_LATE` where the firing was later than allowed.
    reason: &'static str,
    /// The details.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The log of the run that was under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    running_log_id: Option<String>,
    /// How many firings did not run.
    firings: u64,
    /// When the last of them was due.
    #[schema(value_type = String, format = DateTime)]
    last_due_at: Timestamp,
}

listing! {
    /// A page of runs, the latest first.
    JobLogList { logs: JobLogEntry }
}

/// Notes which of the excerpts are cut.
#[derive(Default)]
struct Excerpts(Vec<&'static str>);

impl Excerpts {
    fn note(&mut self, field: &'static str, excerpt: Option<Excerpt>) -> Option<Excerpt> {
        if excerpt.as_ref().is_some_and(Excerpt::is_cut) {
            self.0.push(field);
        }
        excerpt
    }

    /// Data as JSON; the beginning of it is no JSON, and remains a text.
    fn json(&mut self, field: &'static str, excerpt: Option<Excerpt>) -> Option<Value> {
        let excerpt = self.note(field, excerpt)?;
        Some(json_or_text(&excerpt.into_text().into()))
    }

    fn text(&mut self, field: &'static str, excerpt: Option<Excerpt>) -> Option<String> {
        self.note(field, excerpt).map(Excerpt::into_text)
    }
}

impl From<JobRun> for JobLogEntry {
    fn from(run: JobRun) -> Self {
        let JobRun {
            id,
            subject: RunSubject { key, tenant_id, name },
            trigger,
            status,
            missed,
            started_at,
            completed_at,
            stages:
                RunStages {
                    data_fetch,
                    transformation,
                    delivery,
                },
            counts:
                RunCounts {
                    records_fetched,
                    batches,
                    delivered,
                    skipped,
                },
            data_fetched,
            transformed_payload,
            request,
            response,
            error,
            skip,
            expires_at: _,
        } = run;
        let mut excerpts = Excerpts::default();
        let (trigger_type, due_at, triggered_by) = match trigger {
            RunTrigger::Scheduled { due_at } => ("SCHEDULED", Some(due_at), None),
            RunTrigger::Manual { by } => ("MANUAL", None, Some(by)),
        };
        let data_fetched = excerpts.json("dataFetched", data_fetched);
        let transformed_payload = excerpts.json("transformedPayload", transformed_payload);
        let (http_request, curl_command) = request.map(|request| shown_request(request, &mut excerpts)).unzip();
        Self {
            id: id.to_string(),
            org_id: key.org_id.0,
            integration_config_id: key.id.to_string(),
            integration_name: name,
            tenant_id: tenant_id.0,
            trigger_type,
            due_at,
            triggered_by,
            missed_firings: missed,
            status: status.as_str(),
            started_at,
            completed_at,
            duration_ms: completed_at.map(|end| end.signed_duration_since(started_at).num_milliseconds().max(0)),
            data_fetch_stage: data_fetch.map(StageResult::as_str),
            transformation_stage: transformation.map(StageResult::as_str),
            delivery_stage: delivery.map(StageResult::as_str),
            records_fetched,
            batches,
            batches_delivered: delivered,
            batches_skipped: skipped,
            data_fetched,
            transformed_payload,
            http_request,
            curl_command: curl_command.flatten(),
            http_response: response.map(|response| shown_response(response, &mut excerpts)),
            error_context: error.map(JobErrorEntry::from),
            skip: skip.map(JobSkipEntry::from),
            truncated: excerpts.0,
        }
    }
}

fn shown_request(request: RunRequest, excerpts: &mut Excerpts) -> (JobRequestEntry, Option<String>) {
    let RunRequest {
        method,
        url,
        headers,
        body,
        curl,
    } = request;
    let shown = JobRequestEntry {
        method: method.as_str(),
        url: url.to_string(),
        headers: by_name(&headers),
        body: excerpts.json("httpRequest.body", body),
    };
    (shown, excerpts.text("curlCommand", curl))
}

fn shown_response(response: RunResponse, excerpts: &mut Excerpts) -> JobResponseEntry {
    let RunResponse { status, headers, body } = response;
    JobResponseEntry {
        status,
        headers: by_name(&headers),
        body: excerpts.json("httpResponse.body", body),
    }
}

impl From<RunError> for JobErrorEntry {
    fn from(error: RunError) -> Self {
        let RunError { stage, message, stack } = error;
        Self {
            stage: RunStage::as_str(stage),
            error: message,
            stack,
        }
    }
}

impl From<Skip> for JobSkipEntry {
    fn from(skip: Skip) -> Self {
        let Skip {
            reason,
            firings,
            last_due_at,
        } = skip;
        let (reason, detail, running_log_id) = match reason {
            SkipReason::StillRunning(run) => ("STILL_RUNNING", None, Some(run.to_string())),
            SkipReason::TooLate(why) => ("TOO_LATE", Some(why), None),
        };
        Self {
            reason,
            detail,
            running_log_id,
            firings,
            last_due_at,
        }
    }
}
