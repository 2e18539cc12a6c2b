//! Uploads go to temporary files: memory would not hold one for every caller.

use std::fs::File;
use std::io::Write as _;

use axum::body::Body;
use futures::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use crate::config::HttpConfig;
use crate::error::{ApiError, ErrorCode};
use crate::tenant_shares::Share;

/// Receives a body into a temporary file within the limits of size, speed and capacity. Closing the file deletes it.
pub(super) async fn receive(headers: &HeaderMap, body: Body, limits: &HttpConfig, share: &Share) -> Result<File, ApiError> {
    let limit = limits.import_limit_bytes;
    let declared_length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if declared_length.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let received = tokio::time::timeout(limits.request_timeout(), write_to_file(body, limit, share));
    received
        .await
        .map_err(|_| ApiError::new(ErrorCode::RequestTimeout, "The body took too long to arrive"))?
}

async fn write_to_file(body: Body, limit: usize, share: &Share) -> Result<File, ApiError> {
    let mut file = run_blocking(tempfile::tempfile).await?;
    let mut received_bytes = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::fault("", "broke off before its end"))?;
        received_bytes += chunk.len();
        if received_bytes > limit {
            return Err(too_large(limit));
        }
        if !share.grow(chunk.len()) {
            return Err(out_of_space());
        }
        file = run_blocking(move || file.write_all(&chunk).map(|()| file)).await?;
    }
    if received_bytes == 0 {
        return Err(ApiError::fault("", "is empty; send the file as the body"));
    }
    Ok(file)
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(%error, "an upload cannot be kept");
            Err(out_of_space())
        }
        Err(_panic) => Err(ApiError::internal()),
    }
}

fn out_of_space() -> ApiError {
    ApiError::unavailable("There is no room for the file now, please try again")
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {limit} bytes"))
}
