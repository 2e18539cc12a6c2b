//! `/lookups`: rows that map one system's values to another's.

#![expect(clippy::option_option, reason = "a tenant may be named, named as none, or not named at all")]

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::LookupRow;
use ig_store::LookupFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{Listing as _, Lookup, LookupList, merge_patch, merge_put, parse_tenant};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams, parse_flag, parse_with};
use crate::resource_response::ResourceResponse;
use crate::resources::lookups;

mod bulk;
mod files;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .merge(bulk::routes())
        .merge(files::routes())
}

/// Selects rows to list or export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The lookup type.
    #[serde(rename = "type")]
    lookup_type: Option<String>,
    /// The unit that owns the rows; the organisation's number for its own rows.
    #[param(value_type = Option<i64>)]
    tenant_id: Option<String>,
    /// Whether the rows take part in resolving.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Part of an identifier or a field.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self, org: OrgId) -> Result<LookupFilter, ApiError> {
        let Self {
            lookup_type,
            tenant_id,
            is_active,
            search,
        } = self;
        Ok(LookupFilter {
            lookup_type: lookup_type.map(LookupType::new),
            tenant: parse_tenant_id(org, tenant_id)?,
            is_active: parse_flag("isActive", is_active)?,
            search,
        })
    }
}

fn parse_tenant_id(org: OrgId, text: Option<String>) -> Result<Option<Option<Rid>>, ApiError> {
    let unit = |text: &str| parse_tenant(org, text.parse().ok()?).ok();
    parse_with("tenantId", text, unit, "a number from 1")
}

/// Lists an organisation's lookup rows, by type and source.
#[utoipa::path(get, path = "/lookups", tag = "lookups", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = LookupList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<LookupList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().lookups().list(org, &query.filter(org)?, page).await?;
    Ok(Json(LookupList::of(listed.map(Lookup::from), page)))
}

/// Creates a row. Only one active row maps a value within a type and tenant: another is a CONFLICT that names the first.
#[utoipa::path(post, path = "/lookups", tag = "lookups", params(OrgQuery), request_body = Lookup, responses((status = 201, body = Lookup)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<ResourceResponse<Lookup>, ApiError> {
    let created = lookups::create(&gateway, org, body.document()?).await?;
    Ok(ResourceResponse::created(created.revision, created.into()))
}

/// Reads a row.
#[utoipa::path(get, path = "/lookups/{id}", tag = "lookups", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = Lookup)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<ResourceResponse<Lookup>, ApiError> {
    let found = lookups::get(&gateway, org, path::lookup(&id)?).await?;
    Ok(to_response(found))
}

/// Replaces a row.
#[utoipa::path(
    put,
    path = "/lookups/{id}",
    tag = "lookups",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body = Lookup,
    responses((status = 200, body = Lookup)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<Lookup>, ApiError> {
    let stored = lookups::get(&gateway, org, path::lookup(&id)?).await?;
    let document = merge_put(&Lookup::from(stored.clone()), body)?;
    Ok(to_response(lookups::replace(&gateway, stored, document, if_match).await?))
}

/// Changes some fields of a row: an absent field stays, null removes it, a value replaces it.
#[utoipa::path(
    patch,
    path = "/lookups/{id}",
    tag = "lookups",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the row's fields"),
    responses((status = 200, body = Lookup)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<Lookup>, ApiError> {
    let stored = lookups::get(&gateway, org, path::lookup(&id)?).await?;
    let document = merge_patch(&Lookup::from(stored.clone()), body)?;
    Ok(to_response(lookups::replace(&gateway, stored, document, if_match).await?))
}

/// Deletes a row.
#[utoipa::path(
    delete,
    path = "/lookups/{id}",
    tag = "lookups",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    lookups::delete(&gateway, org, path::lookup(&id)?, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn to_response(row: LookupRow) -> ResourceResponse<Lookup> {
    ResourceResponse::found(row.revision, row.into())
}
