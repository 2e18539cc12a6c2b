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
    let encoding = encoding.trim().to_ascii_lowercase();
    let Some(decoded) = decode_up_to(&received.bytes, &encoding, MAX_BODY_BYTES).await else {
        return Some(received);
    };
    if decoded.bytes.is_empty() && decoded.truncated {
        return Some(received);
    }
    Some(BodyExcerpt {
        truncated: decoded.truncated || received.truncated,
        ..decoded
    })
}

/// A compressed body's content, up to `max_bytes` or to the first invalid byte; `None` for an encoding other than gzip, deflate and br.
pub(crate) async fn decode_up_to(compressed: &[u8], encoding: &str, max_bytes: usize) -> Option<BodyExcerpt> {
    Some(match encoding {
        "gzip" | "x-gzip" => decode(GzipDecoder::new(compressed), max_bytes).await,
        "deflate" => decode(ZlibDecoder::new(compressed), max_bytes).await,
        "br" => decode(BrotliDecoder::new(compressed), max_bytes).await,
        _ => return None,
    })
}

async fn decode(decoder: impl AsyncRead + Unpin, max_bytes: usize) -> BodyExcerpt {
    let mut bytes = Vec::new();
    let mut limited = decoder.take(max_bytes as u64 + 1);
    let read_result = limited.read_to_end(&mut bytes).await;
    let truncated = read_result.is_err() || bytes.len() > max_bytes;
    bytes.truncate(max_bytes);
    BodyExcerpt {
        bytes: Bytes::from(bytes),
        truncated,
    }
}
