//! A token endpoint's response (RFC 6749, sections 5.1 and 5.2).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::response::Parts;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::secret::Secret;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{CachedToken, Token, token_failure};

/// The lifetime of a token whose endpoint does not state one.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);
/// A token is not used in its last tenth, up to this margin.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);
/// No endpoint grants for longer, and a longer time could overflow.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 365);
/// Error codes are short words; anything else is not repeated to a tenant.
const MAX_ERROR_CODE_LENGTH: usize = 64;

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

/// The token that a response grants.
pub(super) fn parse_token(head: &Parts, body: &[u8], now: Instant) -> Result<CachedToken, Failure> {
    if !head.status.is_success() {
        return Err(refusal_failure(head.status, body));
    }
    let response: TokenResponse =
        serde_json::from_slice(body).map_err(|_| unusable_response("is not JSON with an access_token."))?;
    if response.access_token.is_empty() {
        return Err(unusable_response("has an empty access_token."));
    }
    if response.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unusable_response("grants a token that is not a bearer token."));
    }
    let lifetime = response
        .expires_in
        .as_ref()
        .and_then(seconds)
        .unwrap_or(DEFAULT_LIFETIME)
        .min(MAX_LIFETIME);
    Ok(CachedToken {
        token: Token(Arc::new(Secret::new(response.access_token))),
        use_until: now + lifetime - EXPIRY_MARGIN.min(lifetime / 10),
    })
}

/// Some endpoints write the number as a text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn unusable_response(what: &str) -> Failure {
    token_failure(ErrorCategory::Auth, format!("the token endpoint's answer {what}"))
}

/// A temporary failure of the endpoint keeps its category; a refusal of the credentials is `AUTH`.
fn refusal_failure(status: StatusCode, body: &[u8]) -> Failure {
    let category = match ErrorCategory::of_status(status.as_u16()) {
        Some(ErrorCategory::ClientError) | None => ErrorCategory::Auth,
        Some(category) => category,
    };
    let code = serde_json::from_slice::<ErrorResponse>(body)
        .ok()
        .map(|response| response.error);
    let code = code.filter(|code| code.len() <= MAX_ERROR_CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_graphic()));
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    token_failure(category, format!("the token endpoint answered {status}{code}."))
}
