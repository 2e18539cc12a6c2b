//! Deadlines, enforced by client and server with the status `DEADLINE_EXCEEDED`.
//!
//! tonic ends a late call as `CANCELLED`, from which a caller cannot decide whether to retry.

use std::time::Duration;

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue};
use tonic::{Status, TimeoutExpired};

pub(super) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Our timer fires this much earlier than tonic's own.
const HEAD_START: Duration = Duration::from_millis(2);

/// Drops a call at the caller's deadline and answers `DEADLINE_EXCEEDED`.
pub(super) async fn enforce(request: Request, next: Next) -> Response {
    let Some(limit) = requested_timeout(request.headers()) else {
        return next.run(request).await;
    };
    match tokio::time::timeout(limit.saturating_sub(HEAD_START), next.run(request)).await {
        Ok(response) => response,
        Err(_) => deadline_exceeded().into_http(),
    }
}

/// The value of `grpc-timeout` for `limit`.
pub(super) fn timeout_header(limit: Duration) -> HeaderValue {
    /// The protocol allows eight digits: a day and more.
    const MAX_MILLIS: u64 = 99_999_999;
    let millis = u64::try_from(limit.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS);
    HeaderValue::try_from(format!("{millis}m")).unwrap_or(HeaderValue::from_static("99999999m"))
}

/// Turns an expired client-side timer into `DEADLINE_EXCEEDED`.
pub(super) fn map_expired(error: tonic::transport::Error) -> tonic::codegen::StdError {
    if is_expired(&error) {
        deadline_exceeded().into()
    } else {
        error.into()
    }
}

fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline has passed")
}

fn is_expired(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<TimeoutExpired>() || error.source().is_some_and(is_expired)
}

/// Parses up to eight digits and a unit, the format of the gRPC protocol over HTTP/2.
fn requested_timeout(headers: &HeaderMap) -> Option<Duration> {
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
