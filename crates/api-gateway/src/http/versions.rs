//! `/versions`: the history of configuration, and rollbacks.

use axum::Json;
use axum::extract::Path;
use ig_core::access::{RequestScope, Right};
use ig_core::history::{Item, ItemKind};
use ig_core::id::OrgId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::document::{Listing as _, VersionDetail, VersionEntry, VersionList};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams, parse_number};
use crate::resources::history;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(roll_back))
}

/// An item.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ItemPath {
    /// `outbound-integrations`, `event-types`, `units` or `orgs`.
    kind: String,
    /// Its identifier, name or number.
    id: String,
}

/// A version of an item.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VersionPath {
    /// `outbound-integrations`, `event-types`, `units` or `orgs`.
    kind: String,
    /// Its identifier, name or number.
    id: String,
    /// The revision that created this version.
    #[param(value_type = u64)]
    revision: String,
}

impl VersionPath {
    fn parse(&self, org: OrgId) -> Result<(Item, u64), ApiError> {
        let item = history::item(org, &self.kind, &self.id)?;
        Ok((item, path::revision(&self.revision)?))
    }
}

/// What to compare a version with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CompareQuery {
    /// Another revision of the same item; by default the one before.
    #[param(value_type = Option<u64>)]
    with: Option<String>,
}

/// Lists the versions of an item, the latest first. A deleted item keeps its versions.
#[utoipa::path(get, path = "/versions/{kind}/{id}", tag = "versions", params(ItemPath, OrgQuery, Paging), responses((status = 200, body = VersionList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(item_path): Path<ItemPath>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<VersionList>, ApiError> {
    let (item, page) = (history::item(org, &item_path.kind, &item_path.id)?, paging.page()?);
    let listed = gateway.store().configuration().versions(&item, page).await?;
    if listed.total == 0 {
        return Err(ApiError::not_found("Version"));
    }
    Ok(Json(VersionList::of(listed.map(VersionEntry::from), page)))
}

/// Reads a version, and its differences from the one before or from another.
#[utoipa::path(get, path = "/versions/{kind}/{id}/{revision}", tag = "versions", params(VersionPath, OrgQuery, CompareQuery), responses((status = 200, body = VersionDetail)))]
async fn read(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(version): Path<VersionPath>,
    QueryParams(query): QueryParams<CompareQuery>,
) -> Result<Json<VersionDetail>, ApiError> {
    let (item, revision) = version.parse(org)?;
    let with = parse_number("with", query.with)?.and_then(|with| u64::try_from(with).ok());
    Ok(Json(history::version(&gateway, &item, revision, with).await?))
}

/// Rolls an item back to a revision, as one more change; a deleted item is created again.
#[utoipa::path(
    post,
    path = "/versions/{kind}/{id}/{revision}/rollback",
    tag = "versions",
    params(VersionPath, OrgQuery, IfMatch),
    responses((status = 200, body = VersionDetail)),
)]
async fn roll_back(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(version): Path<VersionPath>,
    if_match: IfMatch,
) -> Result<Json<VersionDetail>, ApiError> {
    let (item, revision) = version.parse(org)?;
    if matches!(item.kind, ItemKind::Organization | ItemKind::Unit) {
        // The same right as on the routes that change these items.
        gateway.caller().check_right(Right::Write, RequestScope::Platform)?;
    }
    Ok(Json(history::roll_back(&gateway, &item, revision, if_match).await?))
}
