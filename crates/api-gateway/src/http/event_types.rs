//! `/event-types`.

use axum::Json;
use ig_core::event_type::EventTypeDefinition;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{EventTypeDocument, EventTypeList, FoundListing as _, Secrets};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::query::{Paging, QueryParams};
use crate::resources::resource::Resource as _;

use super::orgs::Search;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// Lists an organisation's event types by name.
#[utoipa::path(get, path = "/event-types", tag = "event types", params(OrgQuery, Paging, Search), responses((status = 200, body = EventTypeList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<Search>,
) -> Result<Json<EventTypeList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().event_types().list(org, &query.filter(), page).await?;
    let listed = EventTypeList::of_found(listed, page, |definition: EventTypeDefinition| {
        definition.into_document(Secrets::Masked)
    })?;
    Ok(Json(listed))
}

resource_handlers! {
    EventTypeDefinition, EventTypeDocument, "event types", "/event-types", "/event-types/{eventType}", "eventType";
    create "Creates an event type.";
    read "Reads an event type.";
    replace "Replaces an event type.";
    patch "Changes some fields of an event type: an absent field stays, null removes it, a value replaces it.",
        "Any of the event type's fields";
    delete "Deletes an event type; events of this type are still delivered.";
}
