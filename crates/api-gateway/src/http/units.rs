//! `/admin/orgs/:orgId/units`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::id::OrgId;
use ig_core::organization::OrgUnit;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read, Write};
use crate::body::JsonBody;
use crate::document::{FoundListing as _, Secrets, UnitDocument, UnitList};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::resource::{self, Resource as _};

use super::orgs::Search;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// Lists an organisation's units by number.
#[utoipa::path(get, path = "/admin/orgs/{orgId}/units", tag = "admin", params(("orgId" = i64, Path), Paging, Search), responses((status = 200, body = UnitList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    Path(org): Path<String>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<UnitList>, ApiError> {
    let (org, page) = (parse_known_org(&gateway, &org).await?, paging.page()?);
    let listed = gateway.store().org_units().list(org, &query.filter(), page).await?;
    let listed = UnitList::of_found(listed, page, |unit: OrgUnit| unit.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}

/// Creates a unit.
#[utoipa::path(post, path = "/admin/orgs/{orgId}/units", tag = "admin", params(("orgId" = i64, Path)), request_body = UnitDocument, responses((status = 201, body = UnitDocument)))]
async fn create(
    Platform { gateway, .. }: Platform<Write>,
    Path(org): Path<String>,
    body: JsonBody,
) -> Result<ResourceResponse<UnitDocument>, ApiError> {
    resource::post::<OrgUnit>(&gateway, parse_known_org(&gateway, &org).await?, body).await
}

/// Reads a unit.
#[utoipa::path(get, path = "/admin/orgs/{orgId}/units/{rid}", tag = "admin", params(("orgId" = i64, Path), ("rid" = i64, Path)), responses((status = 200, body = UnitDocument)))]
async fn read(
    Platform { gateway, .. }: Platform<Read>,
    Path(unit): Path<UnitPath>,
) -> Result<ResourceResponse<UnitDocument>, ApiError> {
    resource::read::<OrgUnit>(&gateway, unit.org()?, &unit.rid).await
}

/// Replaces a unit.
#[utoipa::path(
    put,
    path = "/admin/orgs/{orgId}/units/{rid}",
    tag = "admin",
    params(("orgId" = i64, Path), ("rid" = i64, Path), IfMatch),
    request_body = UnitDocument,
    responses((status = 200, body = UnitDocument)),
)]
async fn replace(
    Platform { gateway, .. }: Platform<Write>,
    Path(unit): Path<UnitPath>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<UnitDocument>, ApiError> {
    resource::put::<OrgUnit>(&gateway, unit.org()?, &unit.rid, if_match, body).await
}

/// Changes some fields of a unit: an absent field stays, null removes it, a value replaces it.
#[utoipa::path(
    patch,
    path = "/admin/orgs/{orgId}/units/{rid}",
    tag = "admin",
    params(("orgId" = i64, Path), ("rid" = i64, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the unit's fields"),
    responses((status = 200, body = UnitDocument)),
)]
async fn patch(
    Platform { gateway, .. }: Platform<Write>,
    Path(unit): Path<UnitPath>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<UnitDocument>, ApiError> {
    resource::patch::<OrgUnit>(&gateway, unit.org()?, &unit.rid, if_match, body).await
}

/// Deletes a unit that no integration refers to.
#[utoipa::path(
    delete,
    path = "/admin/orgs/{orgId}/units/{rid}",
    tag = "admin",
    params(("orgId" = i64, Path), ("rid" = i64, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Platform { gateway, .. }: Platform<Write>,
    Path(unit): Path<UnitPath>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    resource::delete_by_text::<OrgUnit>(&gateway, unit.org()?, &unit.rid, if_match).await
}

/// The path of a unit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnitPath {
    org_id: String,
    rid: String,
}

impl UnitPath {
    fn org(&self) -> Result<OrgId, ApiError> {
        path::org(&self.org_id)
    }
}

async fn parse_known_org(gateway: &Gateway, org: &str) -> Result<OrgId, ApiError> {
    let org = path::org(org)?;
    gateway.check_org_exists(org).await?;
    Ok(org)
}
