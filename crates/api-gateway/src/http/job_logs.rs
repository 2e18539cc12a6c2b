//! `/scheduled-job-logs`, and `/scheduled-jobs/{id}/logs`: the runs of jobs.

use axum::Json;
use axum::extract::Path;
use ig_core::delivery_log::TriggerType;
use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::RunStatus;
use ig_core::named::Named;
use ig_store::JobLogFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{JobLogEntry, JobLogList, Listing as _};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};
use crate::http::handler::routes;
use crate::query::{OneOf, Paging, QueryParams, parse_end, parse_integration_id, parse_name, parse_start};
use crate::{job_runs, path};

type Statuses = OneOf<RunStatus>;
type Triggers = OneOf<JobTrigger>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_job))
        .routes(routes!(read))
}

/// What causes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobTrigger {
    /// The schedule.
    Scheduled,
    /// A person, or a client of the API.
    Manual,
}

impl Named for JobTrigger {
    fn all() -> &'static [Self] {
        &[Self::Scheduled, Self::Manual]
    }

    fn name(self) -> &'static str {
        self.stored().as_str()
    }
}

impl JobTrigger {
    fn stored(self) -> TriggerType {
        match self {
            Self::Scheduled => TriggerType::Scheduled,
            Self::Manual => TriggerType::Manual,
        }
    }
}

/// Selects runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct RunQuery {
    /// The status.
    #[param(value_type = Option<Statuses>, inline)]
    status: Option<String>,
    /// What caused the run.
    #[param(value_type = Option<Triggers>, inline)]
    trigger_type: Option<String>,
    /// Begun on or after this day or moment.
    start_date: Option<String>,
    /// Begun on this day at the latest, or before this moment.
    end_date: Option<String>,
}

/// Selects the runs of a job.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct JobQuery {
    /// The job.
    integration_id: Option<String>,
}

impl RunQuery {
    fn filter(self, job: Option<IntegrationId>) -> Result<JobLogFilter, ApiError> {
        let Self {
            status,
            trigger_type,
            start_date,
            end_date,
        } = self;
        Ok(JobLogFilter {
            job,
            status: parse_name("status", status)?,
            trigger: parse_name("triggerType", trigger_type)?.map(JobTrigger::stored),
            start: parse_start("startDate", start_date)?,
            end: parse_end("endDate", end_date)?,
        })
    }
}

/// Lists the runs of an organisation's jobs, the latest first.
#[utoipa::path(get, path = "/scheduled-job-logs", tag = "scheduled jobs", params(OrgQuery, Paging, JobQuery, RunQuery), responses((status = 200, body = JobLogList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(JobQuery { integration_id }): QueryParams<JobQuery>,
    QueryParams(query): QueryParams<RunQuery>,
) -> Result<Json<JobLogList>, ApiError> {
    let filter = query.filter(parse_integration_id(integration_id)?)?;
    listed(&gateway, org, paging, &filter).await
}

/// Lists the runs of a job, the latest first.
#[utoipa::path(
    get,
    path = "/scheduled-jobs/{id}/logs",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), Paging, RunQuery),
    responses((status = 200, body = JobLogList)),
)]
async fn list_of_job(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(id): Path<String>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<RunQuery>,
) -> Result<Json<JobLogList>, ApiError> {
    let mut filter = query.filter(None)?;
    let job = path::job(&id)?;
    job_runs::check_exists(&gateway, org, job).await?;
    filter.job = Some(job);
    listed(&gateway, org, paging, &filter).await
}

/// Reads a run of a job, with its data, its request and the response.
#[utoipa::path(
    get,
    path = "/scheduled-job-logs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = JobLogEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<JobLogEntry>, ApiError> {
    let found = gateway.store().job_logs().get(org, path::job_run(&id)?).await?;
    found
        .map(|run| Json(run.into()))
        .ok_or_else(|| ApiError::not_found("Job log"))
}

async fn listed(gateway: &Gateway, org: OrgId, paging: Paging, filter: &JobLogFilter) -> Result<Json<JobLogList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().job_logs().list(org, filter, page).await?;
    Ok(Json(JobLogList::of(listed.map(JobLogEntry::from), page)))
}
