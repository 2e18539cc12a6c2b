//! `/tenant`: an organisation as its own users see it.

use axum::Json;
use ig_core::organization::OrgUnit;
use ig_store::SearchFilter;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant};
use crate::document::{FoundListing as _, OrganizationDocument, Secrets, UnitList};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::query::{Paging, QueryParams};
use crate::resource_response::ResourceResponse;
use crate::resources::organizations;
use crate::resources::resource::Resource as _;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(units))
}

/// Reads the organisation.
#[utoipa::path(get, path = "/tenant", tag = "tenant", params(OrgQuery), responses((status = 200, body = OrganizationDocument)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<ResourceResponse<OrganizationDocument>, ApiError> {
    let found = organizations::get(&gateway, org).await?;
    Ok(ResourceResponse::found(found.revision, found.into()))
}

/// Lists the organisation's units by number.
#[utoipa::path(get, path = "/tenant/units", tag = "tenant", params(OrgQuery, Paging), responses((status = 200, body = UnitList)))]
async fn units(
    Tenant { org, gateway, .. }: Tenant<Read>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<UnitList>, ApiError> {
    let page = paging.page()?;
    let listed = gateway.store().org_units().list(org, &SearchFilter::default(), page).await?;
    let listed = UnitList::of_found(listed, page, |unit: OrgUnit| unit.into_document(Secrets::Masked))?;
    Ok(Json(listed))
}
