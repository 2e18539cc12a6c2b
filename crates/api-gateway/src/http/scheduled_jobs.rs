//! `/scheduled-jobs`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::job::Job;
use ig_store::{Found, JobFilter, Listed};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::configuring::jobs;
use crate::document::{JobDocument, JobList, Listing as _, Secrets, apart, patched, replaced};
use crate::error::ApiError;
use crate::gateway::Edge;
use crate::guard::IfMatch;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Asked, Paging, flag};
use crate::resource::Resource;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// Which jobs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Whether they run when it is time.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// What they are for, to the letter.
    r#type: Option<String>,
    /// Part of the name or of the target's address.
    search: Option<String>,
}

impl Filter {
    fn filter(self) -> Result<JobFilter, ApiError> {
        let Self {
            is_active,
            r#type,
            search,
        } = self;
        Ok(JobFilter {
            is_active: flag("isActive", is_active)?,
            category: r#type,
            search,
        })
    }
}

/// Lists an organisation's scheduled jobs, the oldest first.
#[utoipa::path(get, path = "/scheduled-jobs", tag = "scheduled jobs", params(OrgQuery, Paging, Filter), responses((status = 200, body = JobList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<JobList>, ApiError> {
    let page = paging.page()?;
    let (listed, unreadable) = apart(gateway.store().jobs().list(org, &asked.filter()?, page).await?);
    let Listed { items, total, .. } = listed;
    let items: Result<Vec<_>, _> = items.into_iter().map(|job| JobDocument::of(job, Secrets::Masked)).collect();
    let items = items?;
    Ok(Json(JobList::of(Listed::counted(items, total), page).beside(unreadable)))
}

/// Makes a scheduled job; this answer alone shows its signing secrets.
#[utoipa::path(post, path = "/scheduled-jobs", tag = "scheduled jobs", params(OrgQuery), request_body = JobDocument, responses((status = 201, body = JobDocument)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Resource<JobDocument>, ApiError> {
    let made = jobs::create(&gateway, org, body.document()?).await?;
    Ok(Resource::created(
        made.revision,
        JobDocument::of(made, Secrets::SigningShown)?,
    ))
}

/// Reads a scheduled job.
#[utoipa::path(get, path = "/scheduled-jobs/{id}", tag = "scheduled jobs", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = JobDocument)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Resource<JobDocument>, ApiError> {
    shown(jobs::get(&gateway, org, path::job(&id)?).await?)
}

/// Replaces a scheduled job.
#[utoipa::path(
    put,
    path = "/scheduled-jobs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body = JobDocument,
    responses((status = 200, body = JobDocument)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<JobDocument>, ApiError> {
    let stored = match jobs::find(&gateway, org, path::job(&id)?).await? {
        Found::Readable(stored) => stored,
        Found::Unreadable(stored) => {
            return shown(jobs::renew(&gateway, org, &stored, body.document()?, seen).await?);
        }
    };
    let document = replaced(&JobDocument::of(stored.clone(), Secrets::Kept)?, body)?;
    shown(jobs::replace(&gateway, stored, document, seen).await?)
}

/// Changes some fields of a scheduled job: absent keeps, null removes, a value replaces.
#[utoipa::path(
    patch,
    path = "/scheduled-jobs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the job's fields"),
    responses((status = 200, body = JobDocument)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<JobDocument>, ApiError> {
    let stored = jobs::get(&gateway, org, path::job(&id)?).await?;
    let document = patched(&JobDocument::of(stored.clone(), Secrets::Kept)?, body)?;
    shown(jobs::replace(&gateway, stored, document, seen).await?)
}

/// Deletes a scheduled job.
#[utoipa::path(
    delete,
    path = "/scheduled-jobs/{id}",
    tag = "scheduled jobs",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    jobs::delete(&gateway, org, path::job(&id)?, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(job: Job) -> Result<Resource<JobDocument>, ApiError> {
    Ok(Resource::found(job.revision, JobDocument::of(job, Secrets::Masked)?))
}
