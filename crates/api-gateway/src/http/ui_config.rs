//! `/ui-config`: what a console stores for an organisation.

use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Read, Tenant, Write};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::gateway::AppState;
use crate::http::handler::routes;
use crate::if_match::IfMatch;
use crate::resource_response::ResourceResponse;
use crate::resources::organizations;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, replace))
}

/// Reads what a console stores for the organisation: an object of the console's own making, empty at first.
#[utoipa::path(get, path = "/ui-config", tag = "tenant", params(OrgQuery), responses((status = 200, body = Object)))]
async fn read(Tenant { org, gateway, .. }: Tenant<Read>) -> Result<ResourceResponse<Value>, ApiError> {
    let found = organizations::get(&gateway, org).await?;
    Ok(ResourceResponse::found(found.revision, found.ui.into()))
}

/// Replaces what a console stores for the organisation: any JSON object of at most 64 KiB.
#[utoipa::path(
    put,
    path = "/ui-config",
    tag = "tenant",
    params(OrgQuery, IfMatch),
    request_body = Object,
    responses((status = 200, body = Object)),
)]
async fn replace(
    Tenant { org, gateway, .. }: Tenant<Write>,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<ResourceResponse<Value>, ApiError> {
    let Value::Object(ui) = body.value else {
        return Err(ApiError::fault("", "must be an object"));
    };
    let stored = organizations::get(&gateway, org).await?;
    let changed = organizations::set_console_settings(&gateway, stored, ui, if_match).await?;
    Ok(ResourceResponse::found(changed.revision, changed.ui.into()))
}
