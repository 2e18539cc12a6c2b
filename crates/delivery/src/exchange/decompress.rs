//! Bodies that arrived compressed are kept as what they mean, up to the same bound.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap};
use ig_core::delivery_log::KeptBody;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::body::LARGEST;

/// The body as it is kept: decompressed where one of gzip, deflate and br was applied, as it came where it cannot be.
///
/// Both sides are bounded: at most [`LARGEST`] compressed bytes were read, and decompressing stops after as many.
pub(super) async fn body(received: KeptBody, headers: &HeaderMap) -> Option<KeptBody> {
    if received.bytes.is_empty() {
        return None;
    }
    let encoding = headers
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let compressed = received.bytes.as_ref();
    let plain = match encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => plain(GzipDecoder::new(compressed)).await,
        "deflate" => plain(ZlibDecoder::new(compressed)).await,
        "br" => plain(BrotliDecoder::new(compressed)).await,
        _ => return Some(received),
    };
    if plain.bytes.is_empty() && plain.truncated {
        return Some(received);
    }
    Some(KeptBody {
        truncated: plain.truncated || received.truncated,
        ..plain
    })
}

/// What a decoder gives, up to the bound or to the first byte that makes no sense.
async fn plain(decoder: impl AsyncRead + Unpin) -> KeptBody {
    let mut bytes = Vec::new();
    let mut bounded = decoder.take(LARGEST as u64 + 1);
    let ending = bounded.read_to_end(&mut bytes).await;
    let truncated = ending.is_err() || bytes.len() > LARGEST;
    bytes.truncate(LARGEST);
    KeptBody {
        bytes: Bytes::from(bytes),
        truncated,
    }
}
