//! Reads a body: JSON by its content type, within the limits of size and time.

use axum::extract::Request;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::config::HttpConfig;
use crate::error::{ApiError, ErrorCode};

/// Reads the whole body.
pub(super) async fn within_limits(request: Request, limits: &HttpConfig, limit: usize) -> Result<Bytes, ApiError> {
    check_content_type(request.headers())?;
    if declared_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let whole = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(limits.body_timeout(), whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(ApiError::fault("", "broke off before its end")),
        Err(_) => Err(ApiError::new(ErrorCode::RequestTimeout, "The body took too long to arrive")),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::UnsupportedMediaType,
        "The body must be JSON, sent as Content-Type: application/json",
    ))
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {limit} bytes"))
}
