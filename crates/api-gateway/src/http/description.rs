//! The API's description (`OpenAPI` 3.1), generated from the handlers.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, Ref, ResponseBuilder};

use crate::answer::ErrorBody;
use crate::gateway::Edge;

use super::BASE;

/// The frame of the description; the paths come from the routers.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Integration Gateway", description = "Events in, signed webhooks out: configuration, event push and logs."),
    components(schemas(ErrorBody)),
    security(("apiKey" = []), ("bearer" = [])),
    modifiers(&Keys)
)]
pub(super) struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("apiKey", header);
        components.add_security_scheme("bearer", token);
    }
}

/// Says of every operation what its errors look like.
pub(super) fn complete(openapi: &mut openapi::OpenApi) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    let error = ResponseBuilder::new()
        .description("Any error")
        .content("application/json", content)
        .build();
    for operation in openapi.paths.paths.values_mut().flat_map(operations) {
        operation
            .responses
            .responses
            .entry("default".to_owned())
            .or_insert_with(|| error.clone().into());
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().filter_map(Option::as_mut)
}

/// Where the description is read; no key is needed.
pub(super) fn route(openapi: Arc<openapi::OpenApi>) -> Router<Edge> {
    let answer = move || {
        let openapi = Arc::clone(&openapi);
        async move { Json(openapi.as_ref().clone()) }
    };
    Router::new().route(&format!("{BASE}/openapi.json"), get(answer))
}
