//! `/dashboard` and `/admin/dashboard`: the current state.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Platform, Read, Tenant};
use crate::dashboard;
use crate::document::{Dashboard, PlatformDashboard};
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(read_platform))
}

/// Shows an organisation's dashboard: deliveries of the last hour and 24 hours, integrations, dead letters, scheduled deliveries and
/// alerts.
#[utoipa::path(get, path = "/dashboard", tag = "dashboard", params(OrgQuery), responses((status = 200, body = Dashboard)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<Json<Dashboard>, ApiError> {
    Ok(Json(dashboard::of_org(&gateway, org).await?))
}

/// Shows the dashboard of all organisations together, with the health of services, workers and the database.
#[utoipa::path(get, path = "/admin/dashboard", tag = "admin", responses((status = 200, body = PlatformDashboard)))]
async fn read_platform(Platform { gateway, .. }: Platform<Read>) -> Result<Json<PlatformDashboard>, ApiError> {
    Ok(Json(dashboard::of_platform(&gateway).await?))
}
