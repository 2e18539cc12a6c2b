//! A caller's deadline, kept on both sides under its own status.
//!
//! tonic ends a late call as `CANCELLED`; callers that decide whether to try again need `DEADLINE_EXCEEDED`.

use std::time::Duration;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue};
use tonic::{Status, TimeoutExpired};

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// How much earlier than tonic's own timer ours has to fire.
const HEAD_START: Duration = Duration::from_millis(2);

/// Answers `DEADLINE_EXCEEDED` when the caller's time is up, and drops the call.
pub(super) async fn keep(request: Request, next: Next) -> Response {
    let Some(limit) = limit(request.headers()) else {
        return next.run(request).await;
    };
    match tokio::time::timeout(limit.saturating_sub(HEAD_START), next.run(request)).await {
        Ok(response) => response,
        Err(_) => exceeded().into_http(),
    }
}

/// The header that gives a call so much time.
pub(super) fn header(limit: Duration) -> HeaderValue {
    /// The protocol allows eight digits: a day and more.
    const MOST: u64 = 99_999_999;
    let millis = u64::try_from(limit.as_millis()).unwrap_or(MOST).min(MOST);
    HeaderValue::try_from(format!("{millis}m")).unwrap_or(HeaderValue::from_static("99999999m"))
}

/// The status of a call whose own timer has run out.
pub(super) fn named(error: tonic::transport::Error) -> tonic::codegen::StdError {
    if is_expired(&error) { exceeded().into() } else { error.into() }
}

fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline has passed")
}

fn is_expired(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<TimeoutExpired>() || error.source().is_some_and(is_expired)
}

/// Up to eight digits and a unit, as the gRPC protocol over HTTP/2 writes it.
fn limit(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}
