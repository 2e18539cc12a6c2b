//! `/health`: whether the gateway and its database answer.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::access::Unauthenticated;
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health))
}

/// The health of the gateway.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of the gateway.
    version: &'static str,
}

/// Reports whether the gateway and its database answer; no key is needed.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)), security(()))]
async fn health(Unauthenticated { gateway }: Unauthenticated) -> Result<Json<Health>, ApiError> {
    gateway.store().ping().await?;
    Ok(Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    }))
}
