//! What a token endpoint answers (RFC 6749, sections 5.1 and 5.2).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::response::Parts;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_core::secret::Secret;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::{Granted, Token, failure};

/// How long a token is used whose endpoint does not say.
const UNSAID: Duration = Duration::from_mins(5);
/// A token is not used in its last tenth, and not in its last half minute at most.
const MARGIN: Duration = Duration::from_secs(30);
/// No endpoint grants for longer; a longer time would overflow somewhere.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// Error codes are short words; anything else is not repeated to a tenant.
const LONGEST_CODE: usize = 64;

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The token that an answer grants.
pub(super) fn read(head: &Parts, body: &[u8], now: Instant) -> Result<Granted, Failure> {
    if !head.status.is_success() {
        return Err(refused(head.status, body));
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| unusable("is not JSON with an access_token."))?;
    if answer.access_token.is_empty() {
        return Err(unusable("has an empty access_token."));
    }
    if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unusable("grants a token that is not a bearer token."));
    }
    let lifetime = answer.expires_in.as_ref().and_then(seconds).unwrap_or(UNSAID).min(LONGEST);
    Ok(Granted {
        token: Token(Arc::new(Secret::new(answer.access_token))),
        until: now + lifetime - MARGIN.min(lifetime / 10),
    })
}

/// Some endpoints write the number as a text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn unusable(what: &str) -> Failure {
    failure(ErrorCategory::Auth, format!("the token endpoint's answer {what}"))
}

/// Trouble of the endpoint's passes; that it does not accept the credentials does not.
fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let category = match ErrorCategory::of_status(status.as_u16()) {
        Some(ErrorCategory::ClientError) | None => ErrorCategory::Auth,
        Some(category) => category,
    };
    let code = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error);
    let code = code.filter(|code| code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_graphic()));
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    failure(category, format!("the token endpoint answered {status}{code}."))
}
