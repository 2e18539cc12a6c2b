//! `/dlq/redrives`: dead letters retried in bulk.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::redrive::{RedriveKey, RedriveState};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{Listing as _, RedriveAsked, RedriveEntry, RedriveList};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{OneOf, Paging, QueryParams, parse_name};

type States = OneOf<RedriveState>;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(read, cancel))
}

/// Selects redrives.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The state of progress.
    #[param(value_type = Option<States>, inline)]
    state: Option<String>,
}

/// Lists redrives with their progress, the latest first.
#[utoipa::path(get, path = "/dlq/redrives", tag = "dlq", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = RedriveList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(ListQuery { state }): QueryParams<ListQuery>,
) -> Result<Json<RedriveList>, ApiError> {
    let page = paging.page()?;
    let state = parse_name("state", state)?;
    let listed = gateway.store().redrives().list(org, state, page).await?;
    Ok(Json(RedriveList::of(listed.map(RedriveEntry::from), page)))
}

/// Starts a redrive: retries every dead letter of a filter that is neither delivered nor in progress, in the order of events within each
/// lane.
///
/// A redrive is stored and survives restarts; later dead letters do not join it. Nothing is sent while an integration's breaker is open:
/// its entries keep waiting.
#[utoipa::path(post, path = "/dlq/redrives", tag = "dlq", params(OrgQuery), request_body = RedriveAsked, responses((status = 201, body = RedriveEntry)))]
async fn start(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<(StatusCode, Json<RedriveEntry>), ApiError> {
    let order = body.document::<RedriveAsked>()?.order(org)?;
    let redrive = gateway.retrier().start(&order).await?;
    Ok((StatusCode::CREATED, Json(redrive.into())))
}

/// Reads the progress of a redrive.
#[utoipa::path(
    get,
    path = "/dlq/redrives/{id}",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = RedriveEntry)),
)]
async fn read(
    Tenant {
        org: org_id, gateway, ..
    }: Tenant<Read>,
    Path(id): Path<String>,
) -> Result<Json<RedriveEntry>, ApiError> {
    let id = path::redrive(&id)?;
    let redrive = gateway.retrier().get(RedriveKey { org_id, id }).await?;
    Ok(Json(redrive.into()))
}

/// Cancels a redrive: waiting entries return to their previous state, finished ones stay finished.
#[utoipa::path(
    delete,
    path = "/dlq/redrives/{id}",
    tag = "dlq",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 204)),
)]
async fn cancel(
    Tenant {
        org: org_id, gateway, ..
    }: Tenant<Write>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = path::redrive(&id)?;
    gateway.retrier().cancel(RedriveKey { org_id, id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
