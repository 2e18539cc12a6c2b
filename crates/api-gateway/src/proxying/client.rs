//! Authenticates the client of a call.

use std::net::IpAddr;

use http::HeaderMap;
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::inbound::InboundIntegration;
use ig_core::outcome::ErrorCategory;

use super::Proxying;
use super::outcome::CallFailure;
use super::routes::{Ready, Route};
use crate::error::{ApiError, ErrorCode};

/// Refuses clients from other addresses, and those without the credentials that the integration requires.
pub(super) fn admitted(route: &Route, ready: &Ready, client: IpAddr, headers: &HeaderMap) -> Result<(), CallFailure> {
    if !is_expected(&route.integration, client) {
        let message = "Calls from this address are not let through";
        return Err(CallFailure::refused(
            ErrorCategory::Auth,
            ApiError::new(ErrorCode::Forbidden, message),
        ));
    }
    if !ready.client.passes(headers) {
        return Err(unproven("The inbound integration's own credentials are missing or wrong"));
    }
    Ok(())
}

fn is_expected(integration: &InboundIntegration, client: IpAddr) -> bool {
    let allowed = &integration.allowed_addresses;
    allowed.is_empty() || allowed.iter().any(|network| network.contains(&client))
}

fn unproven(message: impl Into<String>) -> CallFailure {
    CallFailure::refused(ErrorCategory::Auth, ApiError::new(ErrorCode::Unauthorized, message))
}

impl Proxying {
    /// Verifies the signature over the body as received, where the integration requires one. All replicas together accept a
    /// signature once.
    pub(super) async fn verified(
        &self,
        route: &Route,
        ready: &Ready,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), CallFailure> {
        let verified = ready.client.verify(headers, body, SystemClock.now());
        let Some(message) = verified.map_err(|bad| unproven(bad.to_string()))? else {
            return Ok(());
        };
        let integration = &route.integration;
        let taken = self
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
        if taken {
            return Ok(());
        }
        Err(unproven(
            "This signature was used before: sign each call anew, with its own time",
        ))
    }
}
