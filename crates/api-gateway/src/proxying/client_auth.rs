//! Authenticates the client of a call.

use std::net::IpAddr;

use http::HeaderMap;
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::inbound::InboundIntegration;
use ig_core::outcome::ErrorCategory;

use super::Proxying;
use super::outcome::CallFailure;
use super::routes::{CompiledRoute, Route};
use crate::error::{ApiError, ErrorCode};

/// Refuses clients from other addresses, and those without the credentials that the integration requires.
pub(super) fn check(route: &Route, compiled: &CompiledRoute, client: IpAddr, headers: &HeaderMap) -> Result<(), CallFailure> {
    if !is_allowed_address(&route.integration, client) {
        let message = "Calls from this address are not let through";
        return Err(CallFailure::refused(
            ErrorCategory::Auth,
            ApiError::new(ErrorCode::Forbidden, message),
        ));
    }
    if !compiled.client.passes(headers) {
        return Err(unauthenticated(
            "The inbound integration's own credentials are missing or wrong",
        ));
    }
    Ok(())
}

fn is_allowed_address(integration: &InboundIntegration, client: IpAddr) -> bool {
    let allowed = &integration.allowed_addresses;
    allowed.is_empty() || allowed.iter().any(|network| network.contains(&client))
}

fn unauthenticated(message: impl Into<String>) -> CallFailure {
    CallFailure::refused(ErrorCategory::Auth, ApiError::new(ErrorCode::Unauthorized, message))
}

impl Proxying {
    /// Verifies the signature over the body as received, where the integration requires one. All replicas together accept a
    /// signature once.
    pub(super) async fn verify_signature(
        &self,
        route: &Route,
        compiled: &CompiledRoute,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), CallFailure> {
        let verified = compiled.client.verify(headers, body, SystemClock.now());
        let Some(message) = verified.map_err(|bad| unauthenticated(bad.to_string()))? else {
            return Ok(());
        };
        let integration = &route.integration;
        let is_new = self
            .replays
            .take(
                integration.org_id,
                integration.id,
                &message.id,
                message.signed_at,
                message.stale_at,
            )
            .await
            .map_err(|error| CallFailure::refused(ErrorCategory::Auth, error.into()))?;
        if is_new {
            return Ok(());
        }
        Err(unauthenticated(
            "This signature was used before: sign each call anew, with its own time",
        ))
    }
}
