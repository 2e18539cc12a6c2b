//! The routes, one resource a file; what is not described in the API's description is not reachable.

#![allow(unused_qualifications, reason = "utoipa qualifies what it generates")]

use std::sync::Arc;

use axum::{Router, middleware};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::answer;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;

mod description;
mod dlq;
mod event_types;
mod events;
mod execution_logs;
mod field_schemas;
mod health;
mod logs;
mod lookups;
mod orgs;
mod outbound_integrations;
mod scheduled_integrations;
mod units;

const BASE: &str = "/api/v1";

/// The whole HTTP edge.
pub(crate) fn router(gateway: Gateway) -> Router {
    let (api, openapi) = described();
    let limit = gateway.http().request_timeout();
    api.merge(description::route(Arc::new(openapi)))
        .merge(ig_console::router())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(limit, answer::finish))
        .with_state(gateway)
}

/// The routes with their description, which holds every one of them.
fn described() -> (Router<Gateway>, utoipa::openapi::OpenApi) {
    let (router, mut openapi) = OpenApiRouter::with_openapi(description::Api::openapi())
        .nest(BASE, routes())
        .split_for_parts();
    description::complete(&mut openapi);
    (router, openapi)
}

fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(orgs::routes())
        .merge(units::routes())
        .merge(outbound_integrations::routes())
        .merge(event_types::routes())
        .merge(field_schemas::routes())
        .merge(lookups::routes())
        .merge(events::routes())
        .merge(logs::routes())
        .merge(execution_logs::routes())
        .merge(dlq::routes())
        .merge(scheduled_integrations::routes())
}

async fn unknown() -> ApiError {
    ApiError::not_found("Route")
}

async fn wrong_method() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "The resource has no such method")
}
