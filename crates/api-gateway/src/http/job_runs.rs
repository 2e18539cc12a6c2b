//! `/scheduled-jobs/{id}/run` and its neighbours: what people do with jobs besides configuring them.

use axum::Json;
use axum::extract::Path;
use http::{HeaderMap, StatusCode};
use ig_core::job::JobKey;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{
    DataSourceTest, DataSourceTested, JobEntry, JobRunCancelled, JobRunStarted, NextRunsRequest, ScheduleTimes, WatermarkChange,
};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::job_runs::{self, next_runs};
use crate::path;
use crate::preview::data_source;
use crate::resource_response::ResourceResponse;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(test_data_source))
        .routes(routes!(next_runs_of_schedule))
        .routes(routes!(run))
        .routes(routes!(cancel))
        .routes(routes!(next_runs_of_job))
        .routes(routes!(set_watermark))
}

/// Runs a job now, outside its schedule, whether or not it is active. The job log of the run shows its progress.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/{id}/run",
    tag = "scheduled jobs",
    params(
        OrgQuery,
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "One run answers all requests with this key"),
    ),
    responses((status = 202, description = "The run that was started, or that the key started before", body = JobRunStarted)),
)]
async fn run(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<JobRunStarted>), ApiError> {
    let key = idempotency_key(&headers)?;
    let started = job_runs::run_now(&gateway, org, path::job(&id)?, &key).await?;
    Ok((StatusCode::ACCEPTED, Json(started.into())))
}

/// Cancels a run. Its query is killed; a delivery that is under way is still recorded.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/{id}/runs/{logId}/cancel",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), ("logId" = String, Path)),
    responses((status = 200, body = JobRunCancelled)),
)]
async fn cancel(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path((id, log)): Path<(String, String)>,
) -> Result<Json<JobRunCancelled>, ApiError> {
    let job = JobKey {
        org_id: org,
        id: path::job(&id)?,
    };
    let was_running = job_runs::cancel(&gateway, job, path::job_run(&log)?).await?;
    Ok(Json(JobRunCancelled { was_running }))
}

/// Tests a data source: a job-runner reads up to ten records from it, as a job would, and delivers nothing.
///
/// It takes the right to write, as a test delivery does: the request goes to the source, with the stored credentials of the job that
/// the body names.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/test-datasource",
    tag = "scheduled jobs",
    params(OrgQuery),
    request_body = DataSourceTest,
    responses((status = 200, body = DataSourceTested)),
)]
async fn test_data_source(
    Tenant { org, gateway, .. }: Tenant<Write>,
    body: JsonBody,
) -> Result<Json<DataSourceTested>, ApiError> {
    Ok(Json(data_source::test(&gateway, org, body.document()?).await?))
}

/// Lists when a job runs next: the next five times; of an inactive job, as if it were active.
#[utoipa::path(
    get,
    path = "/scheduled-jobs/{id}/next-runs",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = ScheduleTimes)),
)]
async fn next_runs_of_job(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(id): Path<String>,
) -> Result<Json<ScheduleTimes>, ApiError> {
    Ok(Json(next_runs::of_job(&gateway, org, path::job(&id)?).await?))
}

/// Lists when a job with the given schedule would run: the next five times.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/next-runs",
    tag = "scheduled jobs",
    params(OrgQuery),
    request_body = NextRunsRequest,
    responses((status = 200, body = ScheduleTimes)),
)]
async fn next_runs_of_schedule(
    Tenant { org, gateway, .. }: Tenant<Read>,
    body: JsonBody,
) -> Result<Json<ScheduleTimes>, ApiError> {
    Ok(Json(next_runs::of_schedule(&gateway, org, body.document()?).await?))
}

/// Sets how far an incremental job has come. A run that is under way does not move it any more.
#[utoipa::path(
    put,
    path = "/scheduled-jobs/{id}/watermark",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path)),
    request_body = WatermarkChange,
    responses((status = 200, body = JobEntry)),
)]
async fn set_watermark(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    job_runs::reset_watermark(&gateway, org, path::job(&id)?, body.document()?).await
}

/// The client's key, or a random one.
fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(format!("{:032x}", rand::random::<u128>()));
    };
    let key = key.to_str().ok().filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| {
        ApiError::parameter(
            "Idempotency-Key",
            format!("must be 1 to {MAX_KEY_BYTES} characters of printable ASCII"),
        )
    })
}
