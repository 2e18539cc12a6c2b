//! `/event-types`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::event_type::EventTypeDefinition;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::configuring::event_types;
use crate::document::{EventTypeDocument, EventTypeList, Listing as _, patched, replaced};
use crate::error::ApiError;
use crate::gateway::Edge;
use crate::guard::IfMatch;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Asked, Paging};
use crate::resource::Resource;

use super::orgs::Search;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// Lists an organisation's event types by name.
#[utoipa::path(get, path = "/event-types", tag = "event types", params(OrgQuery, Paging, Search), responses((status = 200, body = EventTypeList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Search>,
) -> Result<Json<EventTypeList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_types().list(org, asked.search.as_deref(), page).await?;
    Ok(Json(EventTypeList::of(listed.map(EventTypeDocument::from), page)))
}

/// Makes an event type.
#[utoipa::path(post, path = "/event-types", tag = "event types", params(OrgQuery), request_body = EventTypeDocument, responses((status = 201, body = EventTypeDocument)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Resource<EventTypeDocument>, ApiError> {
    let made = event_types::create(&gateway, org, body.document()?).await?;
    Ok(Resource::created(made.revision, made.into()))
}

/// Reads an event type.
#[utoipa::path(get, path = "/event-types/{eventType}", tag = "event types", params(OrgQuery, ("eventType" = String, Path)), responses((status = 200, body = EventTypeDocument)))]
async fn read(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(name): Path<String>,
) -> Result<Resource<EventTypeDocument>, ApiError> {
    let found = event_types::get(&gateway, org, &path::event_type(&name)).await?;
    Ok(shown(found))
}

/// Replaces an event type.
#[utoipa::path(
    put,
    path = "/event-types/{eventType}",
    tag = "event types",
    params(OrgQuery, ("eventType" = String, Path), IfMatch),
    request_body = EventTypeDocument,
    responses((status = 200, body = EventTypeDocument)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(name): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<EventTypeDocument>, ApiError> {
    let stored = event_types::get(&gateway, org, &path::event_type(&name)).await?;
    let document = replaced(&EventTypeDocument::from(stored.clone()), body)?;
    Ok(shown(event_types::replace(&gateway, stored, document, seen).await?))
}

/// Changes some fields of an event type: absent keeps, null removes, a value replaces.
#[utoipa::path(
    patch,
    path = "/event-types/{eventType}",
    tag = "event types",
    params(OrgQuery, ("eventType" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the event type's fields"),
    responses((status = 200, body = EventTypeDocument)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(name): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<EventTypeDocument>, ApiError> {
    let stored = event_types::get(&gateway, org, &path::event_type(&name)).await?;
    let document = patched(&EventTypeDocument::from(stored.clone()), body)?;
    Ok(shown(event_types::replace(&gateway, stored, document, seen).await?))
}

/// Deletes an event type; events of that name are still delivered.
#[utoipa::path(
    delete,
    path = "/event-types/{eventType}",
    tag = "event types",
    params(OrgQuery, ("eventType" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(name): Path<String>,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    event_types::delete(&gateway, org, path::event_type(&name), seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(definition: EventTypeDefinition) -> Resource<EventTypeDocument> {
    Resource::found(definition.revision, definition.into())
}
