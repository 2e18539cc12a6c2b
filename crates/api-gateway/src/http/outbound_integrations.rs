//! `/outbound-integrations`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use ig_core::id::Rid;
use ig_core::integration::Integration;
use ig_store::{Found, IntegrationFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::configuring::integrations;
use crate::document::{
    Listing as _, OutboundIntegration, OutboundIntegrationList, Preview, PreviewAsked, Secrets, TestAsked, Tested, apart,
    patched, replaced,
};
use crate::error::ApiError;
use crate::gateway::Edge;
use crate::guard::IfMatch;
use crate::http::handler::routes;
use crate::path;
use crate::query::{Asked, Paging, flag, number};
use crate::resource::Resource;
use crate::trying;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(preview))
        .routes(routes!(test))
}

/// Which integrations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Whether their deliveries are sent.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// The event type that they are for; `*` finds those for every type.
    event_type: Option<String>,
    /// The entity that they are set on.
    #[param(value_type = Option<i64>)]
    tenant_id: Option<String>,
    /// Part of the name or of the target's address.
    search: Option<String>,
}

impl Filter {
    fn filter(self) -> Result<IntegrationFilter, ApiError> {
        let Self {
            is_active,
            event_type,
            tenant_id,
            search,
        } = self;
        Ok(IntegrationFilter {
            is_active: flag("isActive", is_active)?,
            event_type: event_type.as_deref().map(path::event_type),
            tenant_id: number("tenantId", tenant_id)?.map(Rid),
            search,
        })
    }
}

/// Lists an organisation's outbound integrations, the oldest first.
#[utoipa::path(get, path = "/outbound-integrations", tag = "outbound integrations", params(OrgQuery, Paging, Filter), responses((status = 200, body = OutboundIntegrationList)))]
async fn list(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Asked(paging): Asked<Paging>,
    Asked(asked): Asked<Filter>,
) -> Result<Json<OutboundIntegrationList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().integrations().list(org, &asked.filter()?, page).await?;
    let (listed, unreadable) = apart(listed);
    let listed = listed.map(|integration| OutboundIntegration::of(integration, Secrets::Masked));
    Ok(Json(OutboundIntegrationList::of(listed, page).beside(unreadable)))
}

/// Makes an integration; this answer alone shows its signing secrets.
#[utoipa::path(post, path = "/outbound-integrations", tag = "outbound integrations", params(OrgQuery), request_body = OutboundIntegration, responses((status = 201, body = OutboundIntegration)))]
async fn create(Tenant { org, gateway, .. }: Tenant<Write>, body: JsonBody) -> Result<Resource<OutboundIntegration>, ApiError> {
    let made = integrations::create(&gateway, org, body.document()?).await?;
    Ok(Resource::created(
        made.revision,
        OutboundIntegration::of(made, Secrets::SigningShown),
    ))
}

/// Reads an integration.
#[utoipa::path(get, path = "/outbound-integrations/{id}", tag = "outbound integrations", params(OrgQuery, ("id" = String, Path)), responses((status = 200, body = OutboundIntegration)))]
async fn read(
    Tenant { org, gateway, .. }: Tenant<Read>,
    Path(id): Path<String>,
) -> Result<Resource<OutboundIntegration>, ApiError> {
    let found = integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(found))
}

/// Replaces an integration.
#[utoipa::path(
    put,
    path = "/outbound-integrations/{id}",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body = OutboundIntegration,
    responses((status = 200, body = OutboundIntegration)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<OutboundIntegration>, ApiError> {
    let stored = match integrations::find(&gateway, org, path::integration(&id)?).await? {
        Found::Readable(stored) => stored,
        Found::Unreadable(stored) => {
            return Ok(shown(
                integrations::renew(&gateway, org, &stored, body.document()?, seen).await?,
            ));
        }
    };
    let document = replaced(&OutboundIntegration::of(stored.clone(), Secrets::Kept), body)?;
    Ok(shown(integrations::replace(&gateway, stored, document, seen).await?))
}

/// Changes some fields of an integration: absent keeps, null removes, a value replaces.
#[utoipa::path(
    patch,
    path = "/outbound-integrations/{id}",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    request_body(content = serde_json::Value, description = "Any of the integration's fields"),
    responses((status = 200, body = OutboundIntegration)),
)]
async fn patch(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
    body: JsonBody,
) -> Result<Resource<OutboundIntegration>, ApiError> {
    let stored = integrations::get(&gateway, org, path::integration(&id)?).await?;
    let document = patched(&OutboundIntegration::of(stored.clone(), Secrets::Kept), body)?;
    Ok(shown(integrations::replace(&gateway, stored, document, seen).await?))
}

/// Deletes an integration.
#[utoipa::path(
    delete,
    path = "/outbound-integrations/{id}",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 204)),
)]
async fn delete(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<StatusCode, ApiError> {
    integrations::delete(&gateway, org, path::integration(&id)?, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has an integration's deliveries sent, and counts its failures anew. What was held goes on waiting: `POST /dlq/redrives` with its
/// identifier delivers it, in order.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/enable",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = OutboundIntegration)),
)]
async fn enable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<Resource<OutboundIntegration>, ApiError> {
    let stored = integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(integrations::set_active(&gateway, stored, true, seen).await?))
}

/// Pauses an integration: what matches is held as a dead letter that waits, and nothing is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/disable",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path), IfMatch),
    responses((status = 200, body = OutboundIntegration)),
)]
async fn disable(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<Resource<OutboundIntegration>, ApiError> {
    let stored = integrations::get(&gateway, org, path::integration(&id)?).await?;
    Ok(shown(integrations::set_active(&gateway, stored, false, seen).await?))
}

/// Shows what an integration would make of a payload, and the exact request; nothing is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/preview",
    tag = "outbound integrations",
    params(OrgQuery),
    request_body = PreviewAsked,
    responses((status = 200, body = Preview)),
)]
async fn preview(Tenant { org, gateway, .. }: Tenant<Read>, body: JsonBody) -> Result<Json<Preview>, ApiError> {
    Ok(Json(trying::preview(&gateway, org, body.document()?).await?))
}

/// Sends an integration's requests once, logged as MANUAL; nothing is tried again. Without a payload the event type's sample is sent.
#[utoipa::path(
    post,
    path = "/outbound-integrations/{id}/test",
    tag = "outbound integrations",
    params(OrgQuery, ("id" = String, Path)),
    request_body = TestAsked,
    responses((status = 200, body = Tested)),
)]
async fn test(
    Tenant { org, gateway, .. }: Tenant<Write>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Tested>, ApiError> {
    Ok(Json(
        trying::test(&gateway, org, path::integration(&id)?, body.document()?).await?,
    ))
}

fn shown(integration: Integration) -> Resource<OutboundIntegration> {
    Resource::found(integration.revision, OutboundIntegration::of(integration, Secrets::Masked))
}
