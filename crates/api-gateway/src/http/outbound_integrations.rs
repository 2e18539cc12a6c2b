//! `/outbound-integrations`.

use axum::Json;
use axum::extract::Path;
use ig_core::id::Rid;
use ig_core::integration::Integration;
use ig_store::IntegrationFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::document::{
    FoundListing as _, OutboundDocument, OutboundIntegrationList, Preview, PreviewRequest, Secrets, TestRequest, Tested,
};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::if_match::IfMatch;
use crate::path;
use crate::preview::{dry_run, test_delivery};
use crate::query::{Paging, QueryParams, parse_flag, parse_number};
use crate::resource_response::ResourceResponse;
use crate::resources::integrations;
use crate::resources::resource::{self, Resource as _};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(preview))
        .routes(routes!(test))
}

/// Selects outbound integrations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whether deliveries are sent.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// The event type; `*` finds integrations for every type.
    event_type: Option<String>,
    /// The entity that the integration belongs to.
    #[param(value_type = Option<i64>)]
    tenant_id: Option<String>,
    /// Part of the name or the target's address.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<IntegrationFilter, ApiError> {
        let Self {
            is_active,
            event_type,
            tenant_id,
            search,
        } = self;
        Ok(IntegrationFilter {
            is_active: parse_flag("isActive", is_active)?,
            event_type: event_type.as_deref().map(path::event_type),
            tenant_id: parse_number("tenantId", tenant_id)?.map(Rid),
            search,
        })
    }
}

/// Lists an organisation's outbound integrations, the oldest first.
#[utoipa::path(get, path = "/outbound-integrations", tag = "outbound integrations", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = OutboundIntegrationList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<OutboundIntegrationList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().integrations().list(org, &query.filter()?, page).await?;
    let listed = OutboundIntegrationList::of_found(listed, page, |found: Integration| found.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}

resource_handlers! {
    Integration, OutboundDocument, "outbound integrations", "/outbound-integrations", "/outbound-integrations/{id}", "id";
    create "Creates an integration; only this response shows its signing secrets.";
    read "Reads an integration.";
    replace "Replaces an integration.";
    patch "Changes some fields of an integration: an absent field stays, null removes it, a value replaces it.",
        "Any of the integration's fields";
    delete "Deletes an integration.";
}

/// Enables an integration and resets its failure count. Held deliveries keep waiting: `POST /dlq/redrives` with the integration's
/// identifier delivers them, in order.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/enable",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = OutboundDocument)),
)]
async fn enable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<OutboundDocument>, ApiError> {
    let stored = resource::get(&gateway, org, &path::integration(&id)?).await?;
    resource::shown(integrations::set_active(&gateway, stored, true, if_match).await?)
}

/// Pauses an integration: matching events are held as waiting dead letters, and nothing is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/disable",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = OutboundDocument)),
)]
async fn disable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<OutboundDocument>, ApiError> {
    let stored = resource::get(&gateway, org, &path::integration(&id)?).await?;
    resource::shown(integrations::set_active(&gateway, stored, false, if_match).await?)
}

/// Previews what an integration makes of a payload, with the exact request; nothing is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/preview",
    tag = "outbound integrations",
    params(OrgQuery),
    request_body = PreviewRequest,
    responses((status = 200, body = Preview)),
)]
async fn preview(Tenant { org, gateway, .. }: Tenant<Read>, body: JsonBody) -> Result<Json<Preview>, ApiError> {
    Ok(Json(dry_run::run(&gateway, org, body.document()?).await?))
}

/// Sends an integration's requests once, logged as MANUAL and never retried. Without a payload, the event type's sample is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/test",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path)),
    request_body = TestRequest,
    responses((status = 200, body = Tested)),
)]
async fn test(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Tested>, ApiError> {
    Ok(Json(
        test_delivery::send(&gateway, org, path::integration(&id)?, body.document()?).await?,
    ))
}
