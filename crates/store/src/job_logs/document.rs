//! A run as stored. It borrows on write and owns on read.

use std::borrow::Cow;

use ig_core::delivery_log::TriggerType;
use ig_core::header_lines::HeaderLines;
use ig_core::id::{IntegrationId, OrgId, Rid};
use ig_core::job::{
    Excerpt, JobKey, JobRun, RunCounts, RunError, RunId, RunRequest, RunResponse, RunStage, RunStages, RunStatus, RunSubject,
    RunTrigger, StageResult,
};
use ig_core::ports::StoreError;
use mongodb::bson::{self, oid::ObjectId};
use serde::{Deserialize, Serialize};

use super::skip::{overlapped_run, read_skip, reason_detail, reason_name};
use crate::error::unreadable;
use crate::field::{date, long, millis, object_id, target, timestamp, unsigned};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobLogDocument<'a> {
    #[serde(rename = "_id")]
    id: ObjectId,
    org_id: i64,
    integration_id: ObjectId,
    integration_name: Cow<'a, str>,
    tenant_id: i64,
    trigger_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_by: Option<Cow<'a, str>>,
    missed_firings: i64,
    status: Cow<'a, str>,
    started_at: bson::DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<bson::DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_fetch_stage: Option<Cow<'a, str>>,
    records_fetched: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_fetched: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transformation_stage: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transformed_payload: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_stage: Option<Cow<'a, str>>,
    batches: i64,
    batches_delivered: i64,
    batches_skipped: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_request: Option<RequestDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curl_command: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<i32>,
    /// One line `name: value` for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_headers: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_context: Option<ErrorDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_detail: Option<Cow<'a, str>>,
    /// The run that kept the firings from running.
    #[serde(skip_serializing_if = "Option::is_none")]
    overlapped_run: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_firings: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_skipped_at: Option<bson::DateTime>,
    /// The fields of which only the beginning is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    truncated: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim_id: Option<Cow<'a, str>>,
    created_at: bson::DateTime,
    expires_at: bson::DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct RequestDocument<'a> {
    method: Cow<'a, str>,
    url: Cow<'a, str>,
    /// One line `name: value` for each.
    headers: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorDocument<'a> {
    stage: Cow<'a, str>,
    error: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusDocument {
    status: String,
}

impl StatusDocument {
    pub(super) fn status(&self) -> Result<RunStatus, StoreError> {
        RunStatus::parse(&self.status).ok_or_else(|| unreadable("status"))
    }
}

/// Excerpts on their way into a document, with the names of those that are cut.
#[derive(Default)]
struct Excerpts<'a> {
    truncated: Vec<Cow<'a, str>>,
}

impl<'a> Excerpts<'a> {
    fn text(&mut self, field: &'static str, excerpt: Option<&'a Excerpt>) -> Option<Cow<'a, str>> {
        let excerpt = excerpt?;
        if excerpt.is_cut() {
            self.truncated.push(field.into());
        }
        Some(excerpt.as_str().into())
    }

    fn read(&self, field: &'static str, text: Option<Cow<'_, str>>) -> Option<Excerpt> {
        let is_cut = self.truncated.iter().any(|name| name == field);
        text.map(|text| Excerpt::stored(text.into_owned(), is_cut))
    }
}

impl<'a> JobLogDocument<'a> {
    /// A run under a claim, or one that has ended.
    pub(super) fn new(run: &'a JobRun, claim: Option<&'a str>) -> Self {
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
            expires_at,
        } = run;
        let mut excerpts = Excerpts::default();
        let lasted = completed_at.map(|at| at.signed_duration_since(*started_at).to_std().unwrap_or_default());
        let (trigger_type, due_at, triggered_by) = written_trigger(trigger);
        let result = |result: &Option<StageResult>| result.map(|result| result.as_str().into());
        Self {
            id: object_id(id.0),
            org_id: key.org_id.0,
            integration_id: object_id(key.id.0),
            integration_name: name.as_str().into(),
            tenant_id: tenant_id.0,
            trigger_type: trigger_type.as_str().into(),
            due_at,
            triggered_by,
            missed_firings: i64::from(*missed),
            status: status.as_str().into(),
            started_at: date(*started_at),
            completed_at: completed_at.map(date),
            duration_ms: lasted.map(millis),
            data_fetch_stage: result(data_fetch),
            records_fetched: long(*records_fetched),
            data_fetched: excerpts.text("dataFetched", data_fetched.as_ref()),
            transformation_stage: result(transformation),
            transformed_payload: excerpts.text("transformedPayload", transformed_payload.as_ref()),
            delivery_stage: result(delivery),
            batches: i64::from(*batches),
            batches_delivered: i64::from(*delivered),
            batches_skipped: i64::from(*skipped),
            http_request: request.as_ref().map(|request| RequestDocument::new(request, &mut excerpts)),
            curl_command: excerpts.text("curlCommand", request.as_ref().and_then(|request| request.curl.as_ref())),
            response_status: response.as_ref().map(|response| i32::from(response.status)),
            response_headers: response.as_ref().map(|response| response.headers.as_str().into()),
            response_body: excerpts.text("responseBody", response.as_ref().and_then(|response| response.body.as_ref())),
            error_context: error.as_ref().map(ErrorDocument::from),
            skip_reason: skip.as_ref().map(|skip| reason_name(&skip.reason).into()),
            skip_detail: skip.as_ref().and_then(|skip| reason_detail(&skip.reason)),
            overlapped_run: skip.as_ref().and_then(|skip| overlapped_run(&skip.reason)),
            skipped_firings: skip.as_ref().map(|skip| long(skip.firings)),
            last_skipped_at: skip.as_ref().map(|skip| date(skip.last_due_at)),
            truncated: excerpts.truncated,
            claim_id: claim.map(Cow::from),
            created_at: date(*started_at),
            expires_at: date(*expires_at),
        }
    }
}

impl<'a> RequestDocument<'a> {
    fn new(request: &'a RunRequest, excerpts: &mut Excerpts<'a>) -> Self {
        let RunRequest {
            method,
            url,
            headers,
            body,
            curl: _,
        } = request;
        Self {
            method: method.as_str().into(),
            url: url.to_string().into(),
            headers: headers.as_str().into(),
            body: excerpts.text("httpRequest.body", body.as_ref()),
        }
    }
}

impl<'a> From<&'a RunError> for ErrorDocument<'a> {
    fn from(error: &'a RunError) -> Self {
        let RunError { stage, message, stack } = error;
        Self {
            stage: stage.as_str().into(),
            error: message.as_str().into(),
            stack: stack.as_deref().map(Cow::from),
        }
    }
}

fn written_trigger(trigger: &RunTrigger) -> (TriggerType, Option<bson::DateTime>, Option<Cow<'_, str>>) {
    match trigger {
        RunTrigger::Scheduled { due_at } => (TriggerType::Scheduled, Some(date(*due_at)), None),
        RunTrigger::Manual { by } => (TriggerType::Manual, None, Some(by.as_str().into())),
    }
}

impl TryFrom<JobLogDocument<'_>> for JobRun {
    type Error = StoreError;

    fn try_from(stored: JobLogDocument<'_>) -> Result<Self, StoreError> {
        let excerpts = Excerpts {
            truncated: stored.truncated,
        };
        let curl = excerpts.read("curlCommand", stored.curl_command);
        let response_body = excerpts.read("responseBody", stored.response_body);
        let skip = read_skip(
            stored.skip_reason.as_deref(),
            stored.skip_detail,
            stored.overlapped_run,
            stored.skipped_firings,
            stored.last_skipped_at,
        )?;
        Ok(Self {
            id: RunId(stored.id.bytes()),
            subject: RunSubject {
                key: JobKey {
                    org_id: OrgId(stored.org_id),
                    id: IntegrationId(stored.integration_id.bytes()),
                },
                tenant_id: Rid(stored.tenant_id),
                name: stored.integration_name.into_owned(),
            },
            trigger: read_trigger(&stored.trigger_type, stored.due_at, stored.triggered_by)?,
            status: RunStatus::parse(&stored.status).ok_or_else(|| unreadable("status"))?,
            missed: count(stored.missed_firings),
            started_at: timestamp(stored.started_at),
            completed_at: stored.completed_at.map(timestamp),
            stages: RunStages {
                data_fetch: read_result(stored.data_fetch_stage.as_deref())?,
                transformation: read_result(stored.transformation_stage.as_deref())?,
                delivery: read_result(stored.delivery_stage.as_deref())?,
            },
            counts: RunCounts {
                records_fetched: unsigned(stored.records_fetched),
                batches: count(stored.batches),
                delivered: count(stored.batches_delivered),
                skipped: count(stored.batches_skipped),
            },
            data_fetched: excerpts.read("dataFetched", stored.data_fetched),
            transformed_payload: excerpts.read("transformedPayload", stored.transformed_payload),
            request: stored.http_request.map(|request| request.read(curl, &excerpts)).transpose()?,
            response: read_response(stored.response_status, stored.response_headers, response_body),
            error: stored.error_context.map(ErrorDocument::read).transpose()?,
            skip,
            expires_at: timestamp(stored.expires_at),
        })
    }
}

impl RequestDocument<'_> {
    fn read(self, curl: Option<Excerpt>, excerpts: &Excerpts<'_>) -> Result<RunRequest, StoreError> {
        let target = target(&self.url, &self.method)?;
        Ok(RunRequest {
            method: target.method,
            url: target.url,
            headers: HeaderLines::read(self.headers),
            body: excerpts.read("httpRequest.body", self.body),
            curl,
        })
    }
}

impl ErrorDocument<'_> {
    fn read(self) -> Result<RunError, StoreError> {
        Ok(RunError {
            stage: RunStage::parse(&self.stage).ok_or_else(|| unreadable("errorContext.stage"))?,
            message: self.error.into_owned(),
            stack: self.stack.map(Cow::into_owned),
        })
    }
}

fn read_trigger(
    trigger_type: &str,
    due_at: Option<bson::DateTime>,
    triggered_by: Option<Cow<'_, str>>,
) -> Result<RunTrigger, StoreError> {
    match (TriggerType::parse(trigger_type), due_at, triggered_by) {
        (Some(TriggerType::Scheduled), Some(due_at), _) => Ok(RunTrigger::Scheduled {
            due_at: timestamp(due_at),
        }),
        (Some(TriggerType::Manual), _, Some(by)) => Ok(RunTrigger::Manual { by: by.into_owned() }),
        _ => Err(unreadable("triggerType")),
    }
}

fn read_result(text: Option<&str>) -> Result<Option<StageResult>, StoreError> {
    let read = |text| StageResult::parse(text).ok_or_else(|| unreadable("stage"));
    text.map(read).transpose()
}

fn read_response(status: Option<i32>, headers: Option<Cow<'_, str>>, body: Option<Excerpt>) -> Option<RunResponse> {
    Some(RunResponse {
        status: u16::try_from(status?).ok()?,
        headers: HeaderLines::read(headers.unwrap_or_default()),
        body,
    })
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
