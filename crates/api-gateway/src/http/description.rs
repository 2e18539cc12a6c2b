//! The API description (`OpenAPI` 3.1), generated from the handlers and completed by rules that apply to all of them.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::gateway::AppState;
use crate::response_layer::ErrorBody;

use super::BASE;

mod bodies;
mod errors;
mod examples;
mod headers;
mod naming;
mod operation;

use operation::DescribedOperation;

/// The frame of the description; the paths come from the routers.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Integration Gateway", description = "Turns events into signed webhooks and proxies calls to outside APIs: configuration, event push, runtime calls and logs."),
    components(schemas(ErrorBody)),
    security(("apiKey" = []), ("bearer" = [])),
    modifiers(&SecuritySchemes)
)]
pub(super) struct Api;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let key = ApiKeyValue::with_description("X-API-Key", "A key of an organisation, or of the platform.");
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The token of a person who logged in."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        components.add_security_scheme("bearer", SecurityScheme::Http(token.build()));
    }
}

/// Derives each operation's name, errors, headers and examples from its method, path and input.
pub(super) fn complete(openapi: &mut openapi::OpenApi) {
    let components = openapi.components.get_or_insert_default();
    errors::define(components);
    headers::define(components);
    let paths = std::mem::take(&mut openapi.paths.paths).into_iter();
    // In the description, a parameter for the rest of a path is an ordinary parameter.
    openapi.paths.paths = paths.map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let revisioned = headers::revisioned_schemas(&openapi.paths.paths);
    for (path, item) in &mut openapi.paths.paths {
        for mut described in operations(path, item) {
            naming::complete(&mut described);
            bodies::complete(&mut described);
            errors::complete(&mut described);
            headers::complete(&mut described, &revisioned);
            examples::complete(&mut described);
        }
    }
}

fn operations<'a>(path: &'a str, item: &'a mut PathItem) -> impl Iterator<Item = DescribedOperation<'a>> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        head,
        ..
    } = item;
    let all = [
        ("get", get),
        ("put", put),
        ("post", post),
        ("delete", delete),
        ("patch", patch),
        ("head", head),
    ];
    all.into_iter().filter_map(move |(method, operation)| {
        Some(DescribedOperation {
            method,
            path,
            operation: operation.as_mut()?,
        })
    })
}

/// Serves the description, without a key.
pub(super) fn route(openapi: Arc<openapi::OpenApi>) -> Router<AppState> {
    let handler = move || {
        let openapi = Arc::clone(&openapi);
        async move { Json(openapi.as_ref().clone()) }
    };
    Router::new().route(&format!("{BASE}/openapi.json"), get(handler))
}
