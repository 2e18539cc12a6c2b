//! What people do with jobs besides configuring them. The states of jobs are stored apart from their configuration.

use std::collections::HashMap;

use chrono::Utc;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::{Job, JobKey, JobState, RunId, Watermark};
use ig_peers::{RunNow, RunStarted};
use ig_store::{CancelOutcome, ResetOutcome};

use crate::document::{JobDocument, JobEntry, WatermarkChange};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;
use crate::resource_response::ResourceResponse;
use crate::resources::resource::{self, Resource as _};

pub(crate) mod next_runs;

/// Runs a job now; one run answers all requests with the same key.
pub(crate) async fn run_now(
    gateway: &Gateway,
    org_id: OrgId,
    id: IntegrationId,
    idempotency_key: &str,
) -> Result<RunStarted, ApiError> {
    let job: Job = resource::get(gateway, org_id, &id).await?;
    let run = RunNow {
        job: key(&job),
        idempotency_key,
        requested_by: &gateway.caller().actor().name,
    };
    gateway.jobs().run_now(&run).await
}

/// Asks for the end of a run; returns whether it was still running.
pub(crate) async fn cancel(gateway: &Gateway, job: JobKey, run: RunId) -> Result<bool, ApiError> {
    let states = gateway.store().job_states();
    let outcome = states.cancel(job, run, &gateway.caller().actor().name, Utc::now()).await?;
    match outcome {
        CancelOutcome::Requested => {
            gateway.jobs().nudge_to_cancel(job.org_id, run).await;
            Ok(true)
        }
        CancelOutcome::Ended(_) => Ok(false),
        CancelOutcome::NotFound => Err(ApiError::not_found("Job log")),
    }
}

/// Sets the watermark of a job, or removes it, so that the next run begins at the initial one.
pub(crate) async fn reset_watermark(
    gateway: &Gateway,
    org: OrgId,
    id: IntegrationId,
    change: WatermarkChange,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let job: Job = resource::get(gateway, org, &id).await?;
    let Some(configured) = &job.watermark else {
        let message = "The job has no watermark: its configuration names no field for one";
        return Err(ApiError::new(ErrorCode::Conflict, message));
    };
    let watermark = change.value()?.map(|value| Watermark {
        field: configured.field().to_owned(),
        value,
    });
    let states = gateway.store().job_states();
    match states.reset_watermark(key(&job), watermark.as_ref()).await? {
        ResetOutcome::Done => {
            tracing::info!(%org, job = %id, by = gateway.caller().actor().name, "a job's watermark was set");
            with_state(gateway, org, resource::shown(job)?).await
        }
        ResetOutcome::NotFound => Err(ApiError::new(
            ErrorCode::Conflict,
            "The job is so new that no job-runner knows it yet, please try again",
        )),
    }
}

/// A job's response together with its state.
pub(crate) async fn with_state(
    gateway: &Gateway,
    org: OrgId,
    response: ResourceResponse<JobDocument>,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let ids: Vec<_> = id_of(response.document()).into_iter().collect();
    let state = gateway.store().job_states().of_jobs(org, &ids).await?.pop();
    Ok(response.map(|job| JobEntry::new(job, state)))
}

/// Jobs together with their states, which are read at once.
pub(crate) async fn with_states(gateway: &Gateway, org: OrgId, jobs: Vec<JobDocument>) -> Result<Vec<JobEntry>, ApiError> {
    let ids: Vec<_> = jobs.iter().filter_map(id_of).collect();
    let states = gateway.store().job_states().of_jobs(org, &ids).await?;
    let mut states: HashMap<IntegrationId, JobState> = states.into_iter().map(|state| (state.key.id, state)).collect();
    let with_state = |job: JobDocument| {
        let state = id_of(&job).and_then(|id| states.remove(&id));
        JobEntry::new(job, state)
    };
    Ok(jobs.into_iter().map(with_state).collect())
}

/// Refuses the identifier of a job that does not exist; an unreadable one does.
pub(crate) async fn check_exists(gateway: &Gateway, org: OrgId, id: IntegrationId) -> Result<(), ApiError> {
    let exists = gateway.store().jobs().exists(org, id).await?;
    exists.then_some(()).ok_or_else(|| ApiError::not_found(Job::NAME))
}

fn id_of(job: &JobDocument) -> Option<IntegrationId> {
    job.id.as_deref()?.parse().ok()
}

fn key(job: &Job) -> JobKey {
    JobKey {
        org_id: job.org_id,
        id: job.id,
    }
}
