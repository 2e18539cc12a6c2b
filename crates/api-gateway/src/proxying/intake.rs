//! Receives a call's body: buffered where a step needs all of it or it is small, otherwise streamed.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use ig_core::outcome::ErrorCategory;
use ig_delivery::Upload;

use super::matching::overloaded;
use super::outcome::CallFailure;
use super::{RETRY_AFTER, metrics};
use crate::error::{ApiError, ErrorCode};
use crate::tenant_shares::Share;

/// A body with an announced length up to this is buffered before it is sent, so that it can be sent again.
pub(super) const SMALL_BODY: u64 = 64 * 1024;

/// How much of a body the steps of a call need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyNeed {
    /// A step needs all of the body.
    Whole,
    /// No step needs all of the body.
    Stream,
}

/// The limits of size and time for a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyBounds {
    pub(super) max_bytes: usize,
    pub(super) total: Duration,
    /// How much of a streamed body to keep for the log.
    pub(super) captured: usize,
}

/// The body, ready to be forwarded.
pub(super) async fn receive(
    headers: &HeaderMap,
    body: Body,
    need: BodyNeed,
    bounds: BodyBounds,
    share: &Share,
) -> Result<Upload, CallFailure> {
    if body.is_end_stream() {
        return Ok(Upload::Whole(Bytes::new()));
    }
    let declared_length = declared_length(headers);
    if need == BodyNeed::Stream && declared_length.is_none_or(|length| length > SMALL_BODY) {
        return Ok(Upload::streamed(body, bounds.captured));
    }
    if declared_length.is_some_and(|length| length > bounds.max_bytes as u64) {
        return Err(too_large(bounds.max_bytes));
    }
    read_whole(body, declared_length, bounds, share).await.map(Upload::Whole)
}

/// Whether a body is small enough to be buffered without need.
pub(super) fn is_small(headers: &HeaderMap) -> bool {
    declared_length(headers).is_some_and(|length| length <= SMALL_BODY)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read_whole(body: Body, declared_length: Option<u64>, bounds: BodyBounds, share: &Share) -> Result<Bytes, CallFailure> {
    let collecting = collect(
        body,
        declared_length.unwrap_or_default().min(SMALL_BODY),
        bounds.max_bytes,
        share,
    );
    let collected = tokio::time::timeout(bounds.total, collecting).await;
    collected.unwrap_or_else(|_| Err(body_timed_out(bounds.total)))
}

/// The body, copied: a log that holds the original would keep the connection's whole buffer alive.
async fn collect(mut body: Body, expected: u64, max_bytes: usize, share: &Share) -> Result<Bytes, CallFailure> {
    let mut whole = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| body_interrupted())?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > max_bytes {
            return Err(too_large(max_bytes));
        }
        if !share.grow(data.len()) {
            return Err(memory_exhausted());
        }
        whole.extend_from_slice(&data);
    }
    Ok(Bytes::from(whole))
}

fn memory_exhausted() -> CallFailure {
    metrics::shed("bodies");
    let message = "Too much of calls' bodies is held at present, please try again";
    CallFailure::refused(ErrorCategory::ServerError, overloaded(message, RETRY_AFTER))
}

fn too_large(max_bytes: usize) -> CallFailure {
    let message = format!("The body is larger than the {max_bytes} bytes that can be transformed or verified");
    CallFailure::refused(ErrorCategory::ClientError, ApiError::new(ErrorCode::PayloadTooLarge, message))
}

/// The error for a client's body that broke off.
pub(super) fn body_interrupted() -> CallFailure {
    CallFailure::refused(ErrorCategory::ClientError, ApiError::fault("", "broke off before its end"))
}

/// The error for a client's body that took too long.
pub(super) fn body_timed_out(after: Duration) -> CallFailure {
    let message = format!("The body did not arrive within {} ms", after.as_millis());
    CallFailure::refused(ErrorCategory::ClientError, ApiError::new(ErrorCode::RequestTimeout, message))
}
