//! `/scheduled-jobs`: their configuration.

use axum::Json;
use axum::extract::Path;
use ig_core::job::Job;
use ig_store::{JobFilter, Listed};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{FoundListing as _, JobDocument, JobEntry, JobList, Listing as _, Secrets, split_unreadable};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::if_match::IfMatch;
use crate::query::{Paging, QueryParams, parse_flag};
use crate::resource_response::ResourceResponse;
use crate::resources::resource::Resource as _;
use crate::resources::{jobs, resource};
use crate::{job_runs, path};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
}

/// Selects scheduled jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whether the job runs when due.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// The job's type, exactly.
    r#type: Option<String>,
    /// Part of the name or the target's address.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<JobFilter, ApiError> {
        let Self {
            is_active,
            r#type,
            search,
        } = self;
        Ok(JobFilter {
            is_active: parse_flag("isActive", is_active)?,
            category: r#type,
            search,
        })
    }
}

/// Lists an organisation's scheduled jobs with their states, the oldest first.
#[utoipa::path(get, path = "/scheduled-jobs", tag = "scheduled jobs", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = JobList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<JobList>, ApiError> {
    let page = paging.page()?;
    let (listed, unreadable) = split_unreadable(gateway.store().jobs().list(org, &query.filter()?, page).await?);
    let Listed { items, total, .. } = listed;
    let items: Result<Vec<_>, _> = items.into_iter().map(|job| job.into_document(Secrets::Masked)).collect();
    let items = job_runs::with_states(&gateway, org, items?).await?;
    Ok(Json(
        JobList::of(Listed::counted(items, total), page).with_unreadable(unreadable),
    ))
}

/// Creates a scheduled job; only this response shows its signing secrets.
#[utoipa::path(post, path = "/scheduled-jobs", tag = "scheduled jobs", params(OrgQuery), request_body = JobDocument, responses((status = 201, body = JobEntry)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let created = resource::post::<Job>(&gateway, org, body).await?;
    Ok(created.map(|job| JobEntry::new(job, None)))
}

/// Reads a scheduled job with its state.
#[utoipa::path(get, path = "/scheduled-jobs/{id}", tag = "scheduled jobs", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = JobEntry)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let found = resource::read::<Job>(&gateway, org, &id).await?;
    job_runs::with_state(&gateway, org, found).await
}

/// Replaces a scheduled job. Its state stays as it is, whatever the body says of it.
#[utoipa::path(
    put,
    path = "/scheduled-jobs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body = JobEntry,
    responses((status = 200, body = JobEntry)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let changed = resource::put::<Job>(&gateway, org, &id, if_match, without_state(body)).await?;
    job_runs::with_state(&gateway, org, changed).await
}

/// Changes some fields of a scheduled job: an absent field stays, null removes it, a value replaces it.
#[utoipa::path(
    patch,
    path = "/scheduled-jobs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the job's fields"),
    responses((status = 200, body = JobEntry)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let changed = resource::patch::<Job>(&gateway, org, &id, if_match, without_state(body)).await?;
    job_runs::with_state(&gateway, org, changed).await
}

resource_handlers! {
    Job, JobDocument, "scheduled jobs", "/scheduled-jobs", "/scheduled-jobs/{id}", "id";
    delete "Deletes a scheduled job.";
}

/// Enables a scheduled job: it runs when it is due, and its failure count is reset.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/{id}/enable",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = JobEntry)),
)]
async fn enable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let stored = resource::get(&gateway, org, &path::job(&id)?).await?;
    let enabled = jobs::set_active(&gateway, stored, true, if_match).await?;
    job_runs::with_state(&gateway, org, resource::shown(enabled)?).await
}

/// Pauses a scheduled job: it does not run when it is due. A run that is under way continues.
#[utoipa::path(
    post,
    path = "/scheduled-jobs/{id}/disable",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = JobEntry)),
)]
async fn disable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<JobEntry>, ApiError> {
    let stored = resource::get(&gateway, org, &path::job(&id)?).await?;
    let disabled = jobs::set_active(&gateway, stored, false, if_match).await?;
    job_runs::with_state(&gateway, org, resource::shown(disabled)?).await
}

fn without_state(body: JsonBody) -> JsonBody {
    JsonBody {
        value: JobEntry::without_state(body.value),
        ..body
    }
}
