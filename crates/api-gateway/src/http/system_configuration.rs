//! `/admin/system-configuration`: the configuration that this gateway was started with.

use axum::Json;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Platform, Read};
use crate::gateway::AppState;
use crate::http::handler::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Reads the configuration in force in the gateway that answers, by section and key, secrets masked. Changing it takes a file or the
/// environment, and a restart.
#[utoipa::path(get, path = "/admin/system-configuration", tag = "admin", responses((status = 200, body = Object)))]
async fn read(Platform { gateway, .. }: Platform<Read>) -> Json<Value> {
    Json(gateway.system_configuration().clone())
}
