//! `/execution-logs`: the traces of deliveries, step by step.

use axum::Json;
use axum::extract::Path;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{ExecutionLogEntry, ExecutionLogList, Listing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Paging, QueryParams};

use super::logs::ListQuery;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// Lists delivery traces, the latest first.
#[utoipa::path(get, path = "/execution-logs", tag = "execution logs", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = ExecutionLogList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<ExecutionLogList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().execution_logs().list(org, &query.filter()?, page).await?;
    Ok(Json(ExecutionLogList::of(listed.map(ExecutionLogEntry::from), page)))
}

/// Reads the trace of a delivery.
#[utoipa::path(
    get,
    path = "/execution-logs/{id}",
    tag = "execution logs",
    params(OrgQuery, ("id" = String, Path)),
    responses((status = 200, body = ExecutionLogEntry)),
)]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Json<ExecutionLogEntry>, ApiError> {
    let found = gateway.store().execution_logs().get(org, path::log(&id, "Log")?).await?;
    found
        .map(|trace| Json(trace.into()))
        .ok_or_else(|| ApiError::not_found("Log"))
}
