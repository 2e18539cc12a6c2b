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
pub(super) async fn kept(headers: &HeaderMap, body: Body, limits: &HttpConfig, room: &Share) -> Result<File, ApiError> {
    let limit = limits.import_limit_bytes;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let taken = tokio::time::timeout(limits.request_timeout(), take(body, limit, room));
    taken
        .await
        .map_err(|_| ApiError::new(ErrorCode::RequestTimeout, "The body took too long to arrive"))?
}

async fn take(body: Body, limit: usize, room: &Share) -> Result<File, ApiError> {
    let mut file = on_disk(tempfile::tempfile).await?;
    let mut taken = 0;
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| ApiError::fault("", "broke off before its end"))?;
        taken += part.len();
        if taken > limit {
            return Err(too_large(limit));
        }
        if !room.grow(part.len()) {
            return Err(no_room());
        }
        file = on_disk(move || file.write_all(&part).map(|()| file)).await?;
    }
    if taken == 0 {
        return Err(ApiError::fault("", "is empty; send the file as the body"));
    }
    Ok(file)
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(%error, "an upload cannot be kept");
            Err(no_room())
        }
        Err(_panic) => Err(ApiError::internal()),
    }
}

fn no_room() -> ApiError {
    ApiError::unavailable("There is no room for the file now, please try again")
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {limit} bytes"))
}
