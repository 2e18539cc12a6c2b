//! The routes, one resource per file. A route that is missing in the API description cannot be reached.

#![allow(unused_qualifications, reason = "utoipa qualifies what it generates")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::Method;
use ::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, ORIGIN, RETRY_AFTER};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::{Router, middleware};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::CorsLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::client_info;
use crate::config::HttpConfig;
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::response_layer;
use parameters::Parameters;

mod alerts;
mod analytics;
mod api_keys;
mod audit_logs;
mod auth;
mod configuration;
mod dashboard;
mod data_connections;
mod description;
mod dlq;
mod docs;
mod event_types;
mod events;
mod execution_logs;
mod field_schemas;
mod handler;
mod health;
mod inbound_integrations;
mod integrations;
mod job_logs;
mod job_runs;
mod logs;
mod lookups;
mod orgs;
mod outbound_integrations;
mod parameters;
mod rate_limits;
mod resource_handlers;
mod scheduled_integrations;
mod scheduled_jobs;
mod system_configuration;
mod templates;
mod tenant;
mod ui_config;
mod units;
mod users;
mod versions;

const BASE: &str = "/api/v1";
/// How long browsers cache a preflight response.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_mins(10);

/// The whole HTTP edge.
pub(crate) fn router(app: AppState) -> Router {
    let (api, openapi) = describe_routes();
    let gate = Gate {
        cors: Arc::new(cors(app.http())),
        parameters: Arc::new(Parameters::of(&openapi)),
        app: app.clone(),
    };
    api.merge(description::route(Arc::new(openapi)))
        .merge(docs::route())
        .merge(ig_console::router())
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(gate, handle))
        .with_state(app)
}

/// The layers of every request. They form one layer, because a layer clones everything within it for each request.
#[derive(Clone)]
struct Gate {
    app: AppState,
    cors: Arc<CorsLayer>,
    parameters: Arc<Parameters>,
}

async fn handle(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let limit = gate.app.http().request_timeout();
    response_layer::finish(limit, request, |request| apply_cors(gate, request, next)).await
}

/// What pages of the allowed origins may do from a browser. Other pages may do nothing.
fn cors(config: &HttpConfig) -> CorsLayer {
    let origins = config
        .allowed_origins
        .iter()
        .filter_map(|origin| origin.parse::<HeaderValue>().ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([
            ETAG,
            RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-renewed-token"),
            HeaderName::from_static("x-ratelimit-limit"),
            HeaderName::from_static("x-ratelimit-remaining"),
            HeaderName::from_static("x-ratelimit-reset"),
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
        ])
        .max_age(PREFLIGHT_MAX_AGE)
}

/// Answers preflight requests and adds CORS headers for requests from pages; other requests pass unchanged.
async fn apply_cors(gate: Gate, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(ORIGIN) {
        return admit(gate, request, next).await;
    }
    let cors = Arc::clone(&gate.cors);
    let inner = service_fn(move |request| {
        let response = admit(gate.clone(), request, next.clone());
        async { Ok::<_, Infallible>(response.await) }
    });
    match cors.layer(inner).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn admit(gate: Gate, request: Request, next: Next) -> Response {
    match gate.parameters.check(&request) {
        Ok(()) => client_info::admit(gate.app, request, next).await,
        Err(error) => error.into_response(),
    }
}

/// The router together with the description of all its routes.
fn describe_routes() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    let (router, mut openapi) = OpenApiRouter::with_openapi(description::Api::openapi())
        .nest(BASE, routes())
        .split_for_parts();
    description::complete(&mut openapi);
    (router, openapi)
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(auth::routes())
        .merge(tenant::routes())
        .merge(orgs::routes())
        .merge(units::routes())
        .merge(users::routes())
        .merge(api_keys::routes())
        .merge(audit_logs::routes())
        .merge(rate_limits::routes())
        .merge(system_configuration::routes())
        .merge(ui_config::routes())
        .merge(versions::routes())
        .merge(outbound_integrations::routes())
        .merge(inbound_integrations::routes())
        .merge(integrations::routes())
        .merge(scheduled_jobs::routes())
        .merge(job_runs::routes())
        .merge(job_logs::routes())
        .merge(data_connections::routes())
        .merge(templates::routes())
        .merge(configuration::routes())
        .merge(event_types::routes())
        .merge(field_schemas::routes())
        .merge(lookups::routes())
        .merge(events::routes())
        .merge(logs::routes())
        .merge(execution_logs::routes())
        .merge(dlq::routes())
        .merge(scheduled_integrations::routes())
        .merge(alerts::routes())
        .merge(dashboard::routes())
        .merge(analytics::routes())
}

async fn unknown_route() -> ApiError {
    ApiError::not_found("Route")
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "The resource has no such method")
}
