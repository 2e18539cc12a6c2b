//! `/inbound-integrations`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::inbound::InboundIntegration;
use ig_store::{Found, InboundFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::configuring::inbound_integrations;
use crate::document::{InboundDocument, InboundIntegrationList, Listing as _, Secrets, apart, patched, replaced};
use crate::error::ApiError;
use crate::gateway::Edge;
use crate::guard::IfMatch;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Asked, Paging, flag, read_as};
use crate::resource::Resource;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
}

/// Which inbound integrations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Whether calls are let through.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// The name in the address.
    r#type: Option<String>,
    /// Part of the name, of the type or of the target's address.
    search: Option<String>,
}

impl Filter {
    fn filter(self) -> Result<InboundFilter, ApiError> {
        let Self {
            is_active,
            r#type,
            search,
        } = self;
        Ok(InboundFilter {
            is_active: flag("isActive", is_active)?,
            route: read_as("type", r#type, |text| text.parse().ok(), "the name in an address")?,
            search,
        })
    }
}

/// Lists an organisation's inbound integrations, the oldest first.
#[utoipa::path(get, path = "/inbound-integrations", tag = "inbound integrations", params(OrgQuery, Paging, Filter), responses((status = 200, body = InboundIntegrationList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<InboundIntegrationList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway
        .store()
        .inbound_integrations()
        .list(org, &asked.filter()?, page)
        .await?;
    let (listed, unreadable) = apart(listed);
    let listed = listed.map(|inbound| InboundDocument::of(inbound, Secrets::Masked));
    Ok(Json(InboundIntegrationList::of(listed, page).beside(unreadable)))
}

/// Makes an inbound integration; this answer alone shows its signing secrets.
#[utoipa::path(post, path = "/inbound-integrations", tag = "inbound integrations", params(OrgQuery), request_body = InboundDocument, responses((status = 201, body = InboundDocument)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Resource<InboundDocument>, ApiError> {
    let made = inbound_integrations::create(&gateway, org, body.document()?).await?;
    Ok(Resource::created(
        made.revision,
        InboundDocument::of(made, Secrets::SigningShown),
    ))
}

/// Reads an inbound integration.
#[utoipa::path(get, path = "/inbound-integrations/{id}", tag = "inbound integrations", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = InboundDocument)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>, Path(id): Path<String>) -> Result<Resource<InboundDocument>, ApiError> {
    let found = inbound_integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(found))
}

/// Replaces an inbound integration.
#[utoipa::path(
    put,
    path = "/inbound-integrations/{id}",
    tag = "inbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body = InboundDocument,
    responses((status = 200, body = InboundDocument)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<InboundDocument>, ApiError> {
    let stored = match inbound_integrations::find(&gateway, org, path::integration(&id)?).await? {
        Found::Readable(stored) => stored,
        Found::Unreadable(stored) => {
            return Ok(shown(
                inbound_integrations::renew(&gateway, org, &stored, body.document()?, seen).await?,
            ));
        }
    };
    let document = replaced(&InboundDocument::of(stored.clone(), Secrets::Kept), body)?;
    Ok(shown(inbound_integrations::replace(&gateway, stored, document, seen).await?))
}

/// Changes some fields of an inbound integration: absent keeps, null removes, a value replaces.
#[utoipa::path(
    patch,
    path = "/inbound-integrations/{id}",
    tag = "inbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the integration's fields"),
    responses((status = 200, body = InboundDocument)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<InboundDocument>, ApiError> {
    let stored = inbound_integrations::get(&gateway, org, path::integration(&id)?).await?;
    let document = patched(&InboundDocument::of(stored.clone(), Secrets::Kept), body)?;
    Ok(shown(inbound_integrations::replace(&gateway, stored, document, seen).await?))
}

/// Deletes an inbound integration.
#[utoipa::path(
    delete,
    path = "/inbound-integrations/{id}",
    tag = "inbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    inbound_integrations::delete(&gateway, org, path::integration(&id)?, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an inbound integration's calls through, and counts its failures anew.
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
    seen: IfMatch,
) -> Result<Resource<InboundDocument>, ApiError> {
    let stored = inbound_integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(inbound_integrations::set_active(&gateway, stored, true, seen).await?))
}

/// Has an inbound integration's calls refused.
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
    seen: IfMatch,
) -> Result<Resource<InboundDocument>, ApiError> {
    let stored = inbound_integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(inbound_integrations::set_active(&gateway, stored, false, seen).await?))
}

fn shown(inbound: InboundIntegration) -> Resource<InboundDocument> {
    Resource::found(inbound.revision, InboundDocument::of(inbound, Secrets::Masked))
}
