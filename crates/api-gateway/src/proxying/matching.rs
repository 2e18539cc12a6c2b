//! The first checks of a call: its integration exists and accepts the method.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::Method;
use http::header::{ALLOW, HeaderValue};
use ig_core::inbound::ProxyMethod;
use ig_core::integration::HoldCause;

use super::call::IncomingCall;
use super::routes::Route;
use super::{Proxying, address};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::Gateway;

impl Proxying {
    /// The integration that a call names, and the rest of its path. A deactivated integration is not found.
    pub(super) fn find_route<'a>(&self, gateway: &Gateway, call: &'a IncomingCall) -> Result<(Arc<Route>, &'a str), ApiError> {
        let (name, rest) = address::parse_path(call.parts.uri.path())?;
        let route = self.routes.find(&gateway.feed().configuration(), call.org, &name);
        let route = route.ok_or_else(|| ApiError::not_found("Inbound integration"))?;
        let integration = &route.integration;
        if let Some(hold) = integration.hold.as_ref().filter(|hold| hold.cause == HoldCause::Unreadable) {
            let message = format!("The inbound integration is out of use: {}", hold.reason);
            return Err(ApiError::new(ErrorCode::ServiceUnavailable, message));
        }
        let is_held = integration
            .hold
            .as_ref()
            .is_some_and(|hold| hold.cause == HoldCause::CircuitOpen);
        if !integration.is_active && !is_held {
            return Err(ApiError::new(ErrorCode::NotFound, "The inbound integration is not active"));
        }
        if !rest.is_empty() && !integration.path_suffix {
            let message = "The inbound integration takes no path beyond its name: set pathSuffix to let it through";
            return Err(ApiError::new(ErrorCode::NotFound, message));
        }
        Ok((route, rest))
    }
}

/// The method of a call, or the response that lists the allowed methods.
#[expect(clippy::result_large_err, reason = "it is the answer, on its way out")]
pub(super) fn allowed_method(route: &Route, method: &Method) -> Result<ProxyMethod, Response> {
    let allowed = &route.integration.methods;
    let requested = method.as_str().parse().ok().filter(|method| allowed.allows(*method));
    requested.ok_or_else(|| {
        let names: Vec<_> = allowed.as_slice().iter().map(|method| method.as_str()).collect();
        let message = format!("The inbound integration allows {}", names.join(", "));
        let mut response = ApiError::new(ErrorCode::MethodNotAllowed, message).into_response();
        if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
            response.headers_mut().insert(ALLOW, value);
        }
        response
    })
}

/// The error for exhausted capacity, with the time to retry after.
pub(super) fn overloaded(message: &str, retry_after: Duration) -> ApiError {
    let mut error = ApiError::new(ErrorCode::ServiceUnavailable, message);
    error.retry_after = Some(retry_after.as_secs().max(1));
    error
}
