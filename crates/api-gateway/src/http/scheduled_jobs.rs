//! `/scheduled-jobs`.

use axum::Json;
use ig_core::job::Job;
use ig_store::JobFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{FoundListing as _, JobDocument, JobList, Secrets};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::query::{Paging, QueryParams, parse_flag};
use crate::resources::resource::Resource as _;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
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

/// Lists an organisation's scheduled jobs, the oldest first.
#[utoipa::path(get, path = "/scheduled-jobs", tag = "scheduled jobs", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = JobList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<JobList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().jobs().list(org, &query.filter()?, page).await?;
    let listed = JobList::of_found(listed, page, |job: Job| job.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}

resource_handlers! {
    Job, JobDocument, "scheduled jobs", "/scheduled-jobs", "/scheduled-jobs/{id}", "id";
    create "Creates a scheduled job; only this response shows its signing secrets.";
    read "Reads a scheduled job.";
    replace "Replaces a scheduled job.";
    patch "Changes some fields of a scheduled job: an absent field stays, null removes it, a value replaces it.",
        "Any of the job's fields";
    delete "Deletes a scheduled job.";
}
