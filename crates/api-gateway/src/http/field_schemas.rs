//! `/field-schemas`: the fields of event types, for the mapping editor.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::event_type::EventTypeDefinition;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{FieldSchema, FieldSchemaChange, FieldSchemaList, FoundListing as _};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::{event_types, resource};

use super::orgs::Search;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, replace, delete))
}

/// Lists an organisation's event types with their fields, by name.
#[utoipa::path(get, path = "/field-schemas", tag = "field schemas", params(OrgQuery, Paging, Search), responses((status = 200, body = FieldSchemaList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<FieldSchemaList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_types().list(org, &query.filter(), page).await?;
    let listed = FieldSchemaList::of_found(listed, page, |definition| Ok(FieldSchema::from(definition)))?;
    Ok(Json(listed))
}

/// Reads the fields of an event type, from its schema or else from its sample payload.
#[utoipa::path(get, path = "/field-schemas/{eventType}", tag = "field schemas", params(OrgQuery, ("eventType" = String, Path)), responses((status = 200, body = FieldSchema)))]
async fn read(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(name): Path<String>,
) -> Result<ResourceResponse<FieldSchema>, ApiError> {
    let found: EventTypeDefinition = resource::get(&gateway, org, &path::event_type(&name)).await?;
    Ok(to_response(found.into()))
}

/// Sets the schema, the sample payload and the validation mode of an event type; creates the event type if needed.
#[utoipa::path(
    put,
    path = "/field-schemas/{eventType}",
    tag = "field schemas",
    params(OrgQuery, ("eventType" = String, Path), IfMatch),
    request_body = FieldSchemaChange,
    responses((status = 200, body = FieldSchema)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(name): Path<String>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<FieldSchema>, ApiError> {
    let changed = event_types::put_fields(&gateway, org, path::event_type(&name), body.document()?, if_match).await?;
    Ok(to_response(changed.into()))
}

/// Removes the schema of an event type; its payloads are no longer validated.
#[utoipa::path(
    delete,
    path = "/field-schemas/{eventType}",
    tag = "field schemas",
    params(OrgQuery, ("eventType" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    event_types::remove_schema(&gateway, org, &path::event_type(&name), if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn to_response(schema: FieldSchema) -> ResourceResponse<FieldSchema> {
    ResourceResponse::found(schema.revision, schema)
}
