//! `/admin/rate-limits`: request limits of organisations.

use axum::Json;
use axum::extract::Path;
use utoipa_axum::router::OpenApiRouter;

use super::orgs::Search;
use crate::access::{Platform, Read, Write};
use crate::body::JsonBody;
use crate::document::{RateLimitEntry, RateLimitList, RequestLimitsDocument, split_unreadable};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::organizations;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, replace))
}

/// Lists the request limits per minute of organisations, by number, next to the platform's defaults.
#[utoipa::path(get, path = "/admin/rate-limits", tag = "admin", params(Paging, Search), responses((status = 200, body = RateLimitList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<RateLimitList>, ApiError> {
    let page = paging.page()?;
    let (listed, unreadable) = split_unreadable(gateway.store().organizations().all(&query.filter(), page).await?);
    let limits = gateway.limits();
    let entries = listed.map(|organization| RateLimitEntry::of(&organization, limits));
    Ok(Json(RateLimitList::of(limits, entries, unreadable, page)))
}

/// Reads the request limits of an organisation.
#[utoipa::path(get, path = "/admin/rate-limits/{orgId}", tag = "admin", params(("orgId" = i64, Path)), responses((status = 200, body = RateLimitEntry)))]
async fn read(
    Platform { gateway, .. }: Platform<Read>,
    Path(org): Path<String>,
) -> Result<ResourceResponse<RateLimitEntry>, ApiError> {
    let found = organizations::get(&gateway, path::org(&org)?).await?;
    Ok(ResourceResponse::found(
        found.revision,
        RateLimitEntry::of(&found, gateway.limits()),
    ))
}

/// Sets the request limits of an organisation; an omitted limit falls back to the platform's default.
#[utoipa::path(
    put,
    path = "/admin/rate-limits/{orgId}",
    tag = "admin",
    params(("orgId" = i64, Path), IfMatch),
    request_body = RequestLimitsDocument,
    responses((status = 200, body = RateLimitEntry)),
)]
async fn replace(
    Platform { gateway, .. }: Platform<Write>,
    Path(org): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<RateLimitEntry>, ApiError> {
    let stored = organizations::get(&gateway, path::org(&org)?).await?;
    let limits: RequestLimitsDocument = body.document()?;
    let changed = organizations::set_request_limits(&gateway, stored, limits.into(), if_match).await?;
    Ok(ResourceResponse::found(
        changed.revision,
        RateLimitEntry::of(&changed, gateway.limits()),
    ))
}
