//! `/admin/data-connections`, and `/data-connections`: the databases that SQL jobs read.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_store::ShownConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Platform, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{DataConnectionDocument, DataConnectionList, GrantedConnection, GrantedConnectionList, Listing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::data_connections;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, delete))
        .routes(routes!(list_granted))
}

/// Selects connections.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of the name or the address.
    search: Option<String>,
}

/// Lists connections by name.
#[utoipa::path(get, path = "/admin/data-connections", tag = "admin", params(Paging, Search), responses((status = 200, body = DataConnectionList)))]
async fn list(
    Platform { gateway, .. }: Platform<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<DataConnectionList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().data_connections().list(query.search.as_deref(), page).await?;
    Ok(Json(DataConnectionList::of(listed.map(DataConnectionDocument::from), page)))
}

/// Creates a connection, once a job-runner has connected to it and checked that its user may only read.
#[utoipa::path(post, path = "/admin/data-connections", tag = "admin", request_body = DataConnectionDocument, responses((status = 201, body = DataConnectionDocument)))]
async fn create(
    Platform { gateway, .. }: Platform<Write>,
    body: JsonBody,
) -> Result<ResourceResponse<DataConnectionDocument>, ApiError> {
    let created = data_connections::create(&gateway, body.document()?).await?;
    Ok(ResourceResponse::created(created.revision, created.into()))
}

/// Reads a connection.
#[utoipa::path(get, path = "/admin/data-connections/{id}", tag = "admin", params(("id" = String, Path)), responses((status = 200, body = DataConnectionDocument)))]
async fn read(
    Platform { gateway, .. }: Platform<Read>,
    Path(id): Path<String>,
) -> Result<ResourceResponse<DataConnectionDocument>, ApiError> {
    Ok(to_response(
        data_connections::get(&gateway, &path::data_connection(&id)?).await?,
    ))
}

/// Replaces a connection. A new address is checked as on creation.
#[utoipa::path(
    put,
    path = "/admin/data-connections/{id}",
    tag = "admin",
    params(("id" = String, Path), IfMatch),
    request_body = DataConnectionDocument,
    responses((status = 200, body = DataConnectionDocument)),
)]
async fn replace(
    Platform { gateway, .. }: Platform<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<DataConnectionDocument>, ApiError> {
    let stored = data_connections::get(&gateway, &path::data_connection(&id)?).await?;
    Ok(to_response(
        data_connections::replace(&gateway, stored, body.document()?, if_match).await?,
    ))
}

/// Deletes a connection that no job uses, by its name or as the default.
#[utoipa::path(
    delete,
    path = "/admin/data-connections/{id}",
    tag = "admin",
    params(("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Platform { gateway, .. }: Platform<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    data_connections::delete(&gateway, &path::data_connection(&id)?, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the connections that an organisation's jobs may use by name.
#[utoipa::path(get, path = "/data-connections", tag = "scheduled jobs", params(OrgQuery, Paging), responses((status = 200, body = GrantedConnectionList)))]
async fn list_granted(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<GrantedConnectionList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().data_connections().list_granted(org, page).await?;
    let listed = listed.map(|connection| GrantedConnection::of(connection, org));
    Ok(Json(GrantedConnectionList::of(listed, page)))
}

fn to_response(connection: ShownConnection) -> ResourceResponse<DataConnectionDocument> {
    ResourceResponse::found(connection.revision, connection.into())
}
