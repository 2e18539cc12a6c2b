//! Reads a response's body, up to a size and a deadline.

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ig_core::delivery_log::BodyExcerpt;
use ig_core::outcome::Failure;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::failure;

/// How much of a body is read, and how much is kept of its decompressed form.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// Why a body ended early.
pub(crate) enum BodyError {
    /// The deadline passed.
    Deadline,
    /// The connection broke.
    Connection(hyper::Error),
}

impl BodyError {
    pub(crate) fn into_failure(self, timeout: Duration) -> Failure {
        match self {
            Self::Deadline => failure::deadline_exceeded(timeout),
            Self::Connection(error) => failure::from_body_error(&error),
        }
    }
}

/// Reads up to [`MAX_BODY_BYTES`]. The rest of a larger body is dropped, and an HTTP/1.1 connection with it, since reading on would cost
/// more than connecting again.
pub(crate) async fn read_capped(mut incoming: Incoming, deadline: Instant) -> (BodyExcerpt, Result<(), BodyError>) {
    let mut bytes = BytesMut::new();
    let read_result = read_into(&mut incoming, &mut bytes, deadline).await;
    let truncated = !matches!(read_result, Ok(ReadEnd::Complete));
    bytes.truncate(MAX_BODY_BYTES);
    let kept = BodyExcerpt {
        bytes: bytes.freeze(),
        truncated,
    };
    (kept, read_result.map(drop))
}

enum ReadEnd {
    Complete,
    Capped,
}

async fn read_into(incoming: &mut Incoming, bytes: &mut BytesMut, deadline: Instant) -> Result<ReadEnd, BodyError> {
    while bytes.len() <= MAX_BODY_BYTES {
        // A peer that always has one more empty frame ready would never let the timer be polled.
        if Instant::now() >= deadline {
            return Err(BodyError::Deadline);
        }
        let frame = timeout_at(deadline, incoming.frame())
            .await
            .map_err(|_| BodyError::Deadline)?;
        match frame.transpose().map_err(BodyError::Connection)? {
            None => return Ok(ReadEnd::Complete),
            Some(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
    }
    Ok(ReadEnd::Capped)
}
