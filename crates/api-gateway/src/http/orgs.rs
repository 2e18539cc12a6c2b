//! `/admin/orgs`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::organization::Organization;
use ig_store::SearchFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read, Write};
use crate::body::JsonBody;
use crate::document::{FoundListing as _, OrgDeletionStatus, OrgList, OrganizationDocument, Secrets};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::organizations;
use crate::resources::resource::{self, Resource as _};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(deletion))
}

/// Selects organisations or units.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Part of the name or the code.
    pub(super) search: Option<String>,
}

impl Search {
    pub(super) fn filter(self) -> SearchFilter {
        SearchFilter { search: self.search }
    }
}

/// Lists organisations by number.
#[utoipa::path(get, path = "/admin/orgs", tag = "admin", params(Paging, Search), responses((status = 200, body = OrgList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<OrgList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().organizations().all(&query.filter(), page).await?;
    let listed = OrgList::of_found(listed, page, |org: Organization| org.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}

/// Creates an organisation.
#[utoipa::path(post, path = "/admin/orgs", tag = "admin", request_body = OrganizationDocument, responses((status = 201, body = OrganizationDocument)))]
async fn create(
    Platform { gateway, .. }: Platform<Write>,
    body: JsonBody,
) -> Result<ResourceResponse<OrganizationDocument>, ApiError> {
    let document: OrganizationDocument = body.document()?;
    let org = document.named()?;
    let created: Organization = resource::create(&gateway, org, document).await?;
    Ok(ResourceResponse::created(created.revision, created.into()))
}

/// Reads an organisation.
#[utoipa::path(get, path = "/admin/orgs/{orgId}", tag = "admin", params(("orgId" = i64, Path)), responses((status = 200, body = OrganizationDocument)))]
async fn read(
    Platform { gateway, .. }: Platform<Read>,
    Path(org): Path<String>,
) -> Result<ResourceResponse<OrganizationDocument>, ApiError> {
    resource::read::<Organization>(&gateway, path::org(&org)?, &org).await
}

/// Replaces an organisation.
#[utoipa::path(
    put,
    path = "/admin/orgs/{orgId}",
    tag = "admin",
    params(("orgId" = i64, Path), IfMatch),
    request_body = OrganizationDocument,
    responses((status = 200, body = OrganizationDocument)),
)]
async fn replace(
    Platform { gateway, .. }: Platform<Write>,
    Path(org): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<OrganizationDocument>, ApiError> {
    resource::put::<Organization>(&gateway, path::org(&org)?, &org, if_match, body).await
}

/// Changes some fields of an organisation: an absent field stays, null removes it, a value replaces it.
#[utoipa::path(
    patch,
    path = "/admin/orgs/{orgId}",
    tag = "admin",
    params(("orgId" = i64, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the organisation's fields"),
    responses((status = 200, body = OrganizationDocument)),
)]
async fn patch(
    Platform { gateway, .. }: Platform<Write>,
    Path(org): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<OrganizationDocument>, ApiError> {
    resource::patch::<Organization>(&gateway, path::org(&org)?, &org, if_match, body).await
}

/// Deletes an organisation with all its data.
///
/// Its configuration disappears at once, and its data can no longer be read. The records of its events are removed from then on, and its
/// number stays reserved until all of them are gone: `/admin/orgs/{orgId}/deletion` reports what is removed, and the progress.
#[utoipa::path(
    delete,
    path = "/admin/orgs/{orgId}",
    tag = "admin",
    params(("orgId" = i64, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Platform { gateway, .. }: Platform<Write>,
    Path(org): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    resource::delete_by_text::<Organization>(&gateway, path::org(&org)?, &org, if_match).await
}

/// Reports what deleting an organisation would remove, or how far the deletion is.
#[utoipa::path(
    get,
    path = "/admin/orgs/{orgId}/deletion",
    tag = "admin",
    params(("orgId" = i64, Path)),
    responses((status = 200, body = OrgDeletionStatus)),
)]
async fn deletion(
    Platform { gateway, .. }: Platform<Read>,
    Path(org): Path<String>,
) -> Result<Json<OrgDeletionStatus>, ApiError> {
    Ok(Json(organizations::deletion_status(&gateway, path::org(&org)?).await?))
}
