//! `/integrations/{type}`: calls to outside APIs.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OrgQuery, Runtime, Tenant};
use crate::client_info::{ClientAddress, IsHttps};
use crate::error::ApiError;
use crate::gateway::{AppState, Gateway};
use crate::http::handler::routes;
use crate::proxying::{self, IncomingCall};
use crate::response_extras::ResponseExtras;
use crate::response_layer::RequestId;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(call, send))
        .routes(routes!(call_below, send_below))
}

/// A call as received.
struct Call {
    incoming: IncomingCall,
    gateway: Gateway,
    extras: ResponseExtras,
    body: Body,
}

impl FromRequest<AppState> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Tenant { org, gateway, .. } = Tenant::<Runtime>::from_request_parts(&mut parts, app).await?;
        let extensions = &parts.extensions;
        let client = extensions
            .get()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ClientAddress(client)| *client);
        let incoming = IncomingCall {
            org,
            client,
            is_https: extensions.get().is_some_and(|IsHttps(is_https)| *is_https),
            request_id: extensions.get().map_or_else(String::new, |RequestId(id)| id.clone()),
            parts,
        };
        let extras = ResponseExtras::of(&incoming.parts);
        Ok(Self {
            incoming,
            gateway,
            extras,
            body,
        })
    }
}

impl Call {
    async fn handle(self) -> Result<Response, ApiError> {
        proxying::handle(&self.gateway, &self.extras, &self.incoming, self.body).await
    }
}

/// Calls an inbound integration: the gateway forwards the request to its target and returns the target's response.
#[utoipa::path(
    method(get, head),
    path = "/integrations/{type}",
    tag = "runtime",
    params(OrgQuery, ("type" = String, Path)),
    responses((status = 200, description = "The target's answer; any other status that it gives comes through in the same way", content_type = "*/*", body = Vec<u8>)),
)]
async fn call(call: Call) -> Result<Response, ApiError> {
    call.handle().await
}

/// Calls an inbound integration with a body, which streams to the target unless it is transformed.
#[utoipa::path(
    method(post, put, patch, delete),
    path = "/integrations/{type}",
    tag = "runtime",
    params(OrgQuery, ("type" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "Whatever the target takes"),
    responses((status = 200, description = "The target's answer; any other status that it gives comes through in the same way", content_type = "*/*", body = Vec<u8>)),
)]
async fn send(call: Call) -> Result<Response, ApiError> {
    call.handle().await
}

/// Calls an inbound integration at a path below its target, where its `pathSuffix` allows that.
#[utoipa::path(
    method(get, head),
    path = "/integrations/{type}/{*rest}",
    tag = "runtime",
    params(OrgQuery, ("type" = String, Path), ("rest" = String, Path)),
    responses((status = 200, description = "The target's answer; any other status that it gives comes through in the same way", content_type = "*/*", body = Vec<u8>)),
)]
async fn call_below(call: Call) -> Result<Response, ApiError> {
    call.handle().await
}

/// Calls an inbound integration with a body at a path below its target, where its `pathSuffix` allows that.
#[utoipa::path(
    method(post, put, patch, delete),
    path = "/integrations/{type}/{*rest}",
    tag = "runtime",
    params(OrgQuery, ("type" = String, Path), ("rest" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "Whatever the target takes"),
    responses((status = 200, description = "The target's answer; any other status that it gives comes through in the same way", content_type = "*/*", body = Vec<u8>)),
)]
async fn send_below(call: Call) -> Result<Response, ApiError> {
    call.handle().await
}
