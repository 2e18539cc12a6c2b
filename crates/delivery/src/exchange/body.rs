//! Reading an answer's body: so much, and no longer than the deadline.

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ig_core::delivery_log::KeptBody;
use ig_core::outcome::Failure;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::failure;

/// How much of a body is read, and how much is kept of what it decompresses to.
pub(super) const LARGEST: usize = 64 * 1024;

/// Why a body ended before its end.
pub(crate) enum Broken {
    /// The deadline passed.
    Deadline,
    /// The connection broke.
    Connection(hyper::Error),
}

impl Broken {
    pub(crate) fn failure(self, timeout: Duration) -> Failure {
        match self {
            Self::Deadline => failure::deadline(timeout),
            Self::Connection(error) => failure::of_exchange(&error),
        }
    }
}

/// Reads up to [`LARGEST`] bytes. The rest of a larger body is not waited for: it is dropped, and an HTTP/1.1 connection with it,
/// since reading on would cost more than connecting anew.
pub(crate) async fn read(mut incoming: Incoming, deadline: Instant) -> (KeptBody, Result<(), Broken>) {
    let mut bytes = BytesMut::new();
    let ending = fill(&mut incoming, &mut bytes, deadline).await;
    let truncated = !matches!(ending, Ok(End::Whole));
    bytes.truncate(LARGEST);
    let kept = KeptBody {
        bytes: bytes.freeze(),
        truncated,
    };
    (kept, ending.map(drop))
}

enum End {
    Whole,
    Enough,
}

async fn fill(incoming: &mut Incoming, bytes: &mut BytesMut, deadline: Instant) -> Result<End, Broken> {
    while bytes.len() <= LARGEST {
        // A peer that always has one more empty frame at hand would never let a timer be asked.
        if Instant::now() >= deadline {
            return Err(Broken::Deadline);
        }
        let frame = timeout_at(deadline, incoming.frame()).await.map_err(|_| Broken::Deadline)?;
        match frame.transpose().map_err(Broken::Connection)? {
            None => return Ok(End::Whole),
            Some(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
    }
    Ok(End::Enough)
}
