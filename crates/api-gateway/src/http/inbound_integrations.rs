//! `/inbound-integrations`.

use axum::Json;
use axum::extract::Path;
use ig_core::inbound::InboundIntegration;
use ig_store::InboundFilter;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::document::{FoundListing as _, InboundDocument, InboundIntegrationList, Secrets};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::http::resource_handlers::resource_handlers;
use crate::if_match::IfMatch;
use crate::path;
use crate::query::{Paging, QueryParams, parse_flag, parse_with};
use crate::resource_response::ResourceResponse;
use crate::resources::inbound_integrations;
use crate::resources::resource::{self, Resource as _};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
}

/// Selects inbound integrations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Whether calls are accepted.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// The name in the path.
    r#type: Option<String>,
    /// Part of the name, the type or the target's address.
    search: Option<String>,
}

impl ListQuery {
    fn filter(self) -> Result<InboundFilter, ApiError> {
        let Self {
            is_active,
            r#type,
            search,
        } = self;
        Ok(InboundFilter {
            is_active: parse_flag("isActive", is_active)?,
            route: parse_with("type", r#type, |text| text.parse().ok(), "the name in an address")?,
            search,
        })
    }
}

/// Lists an organisation's inbound integrations, the oldest first.
#[utoipa::path(get, path = "/inbound-integrations", tag = "inbound integrations", params(OrgQuery, Paging, ListQuery), responses((status = 200, body = InboundIntegrationList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
    QueryParams(query): QueryParams<ListQuery>,
) -> Result<Json<InboundIntegrationList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway
        .store()
        .inbound_integrations()
        .list(org, &query.filter()?, page)
        .await?;
    let listed =
        InboundIntegrationList::of_found(listed, page, |found: InboundIntegration| found.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}

resource_handlers! {
    InboundIntegration, InboundDocument, "inbound integrations", "/inbound-integrations", "/inbound-integrations/{id}", "id";
    create "Creates an inbound integration; only this response shows its signing secrets.";
    read "Reads an inbound integration.";
    replace "Replaces an inbound integration.";
    patch "Changes some fields of an inbound integration: an absent field stays, null removes it, a value replaces it.",
        "Any of the integration's fields";
    delete "Deletes an inbound integration.";
}

/// Enables an inbound integration and resets its failure count.
#[utoipa::path(
    post,
    path = "/inbound-integrations/{id}/enable",
    tag = "inbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = InboundDocument)),
)]
async fn enable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<InboundDocument>, ApiError> {
    let stored = resource::get(&gateway, org, &path::integration(&id)?).await?;
    resource::shown(inbound_integrations::set_active(&gateway, stored, true, if_match).await?)
}

/// Disables an inbound integration: its calls are refused.
#[utoipa::path(
    post,
    path = "/inbound-integrations/{id}/disable",
    tag = "inbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = InboundDocument)),
)]
async fn disable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<ResourceResponse<InboundDocument>, ApiError> {
    let stored = resource::get(&gateway, org, &path::integration(&id)?).await?;
    resource::shown(inbound_integrations::set_active(&gateway, stored, false, if_match).await?)
}
