//! Decompresses response bodies for the log, up to the same limit.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap};
use ig_core::delivery_log::BodyExcerpt;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::body::MAX_BODY_BYTES;

/// The body to keep: decompressed where gzip, deflate or br was applied, as received where it cannot be.
///
/// Both sides are limited: at most [`MAX_BODY_BYTES`] compressed bytes were read, and decompressing stops after as many.
pub(super) async fn decompressed(received: BodyExcerpt, headers: &HeaderMap) -> Option<BodyExcerpt> {
    if received.bytes.is_empty() {
        return None;
    }
    let encoding = headers
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let compressed = received.bytes.as_ref();
    let decoded = match encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => decode(GzipDecoder::new(compressed)).await,
        "deflate" => decode(ZlibDecoder::new(compressed)).await,
        "br" => decode(BrotliDecoder::new(compressed)).await,
        _ => return Some(received),
    };
    if decoded.bytes.is_empty() && decoded.truncated {
        return Some(received);
    }
    Some(BodyExcerpt {
        truncated: decoded.truncated || received.truncated,
        ..decoded
    })
}

/// A decoder's output, up to the limit or to the first invalid byte.
async fn decode(decoder: impl AsyncRead + Unpin) -> BodyExcerpt {
    let mut bytes = Vec::new();
    let mut limited = decoder.take(MAX_BODY_BYTES as u64 + 1);
    let read_result = limited.read_to_end(&mut bytes).await;
    let truncated = read_result.is_err() || bytes.len() > MAX_BODY_BYTES;
    bytes.truncate(MAX_BODY_BYTES);
    BodyExcerpt {
        bytes: Bytes::from(bytes),
        truncated,
    }
}
