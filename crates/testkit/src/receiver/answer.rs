//! Answers of a receiver, good or bad.

use std::io::Error;
use std::time::Duration;

use async_compression::tokio::write::GzipEncoder;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncWriteExt as _;

pub(super) type AnswerBody = UnsyncBoxBody<Bytes, Error>;

/// An answer; 200 with an empty body by default.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
    delay: Duration,
}

#[derive(Debug, Clone)]
enum Body {
    Whole(Bytes),
    Repeated {
        chunk: Bytes,
        times: Option<usize>,
        every: Duration,
    },
    Cut(Bytes),
    Reset,
    Hang,
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Answer {
    /// An empty answer with a status.
    ///
    /// # Panics
    /// If the status is invalid.
    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status from 100 to 999"),
            ..Self::default()
        }
    }

    /// Never answers; the connection stays open.
    pub fn hang() -> Self {
        Self::default().with(Body::Hang)
    }

    /// Closes the connection without an answer.
    pub fn reset() -> Self {
        Self::default().with(Body::Reset)
    }

    /// An endless body, one chunk at a time.
    pub fn drip(chunk: impl Into<Bytes>, every: Duration) -> Self {
        let (chunk, times) = (chunk.into(), None);
        Self::default().with(Body::Repeated { chunk, times, every })
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = Body::Whole(body.into());
        self.with(body)
    }

    /// Sets a body of repeated chunks, sent as fast as they are read.
    #[must_use]
    pub fn repeated(self, chunk: impl Into<Bytes>, times: usize) -> Self {
        let (chunk, every) = (chunk.into(), Duration::ZERO);
        let times = Some(times);
        self.with(Body::Repeated { chunk, times, every })
    }

    /// Sets a body that breaks off after these bytes.
    #[must_use]
    pub fn cut_after(self, bytes: impl Into<Bytes>) -> Self {
        let body = Body::Cut(bytes.into());
        self.with(body)
    }

    /// Adds a header.
    ///
    /// # Panics
    /// If the header is invalid.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = name.parse().expect("a header name");
        self.headers.push((name, value.parse().expect("a header value")));
        self
    }

    /// Delays the answer.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    fn with(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Waits for the delay and returns the response; an error closes the connection.
    pub(super) async fn into_response(self) -> Result<Response<AnswerBody>, Error> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let mut response = Response::new(self.body.into_http().await?);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }
}

impl Body {
    async fn into_http(self) -> Result<AnswerBody, Error> {
        match self {
            Self::Whole(bytes) => Ok(Full::new(bytes).map_err(|never| match never {}).boxed_unsync()),
            Self::Repeated { chunk, times, every } => Ok(repeated(chunk, times, every)),
            Self::Cut(bytes) => Ok(cut(bytes)),
            Self::Reset => Err(Error::other("the script says so")),
            Self::Hang => std::future::pending().await,
        }
    }
}

fn repeated(chunk: Bytes, times: Option<usize>, every: Duration) -> AnswerBody {
    let pieces = stream::repeat(chunk)
        .take(times.unwrap_or(usize::MAX))
        .then(move |piece| async move {
            if !every.is_zero() {
                tokio::time::sleep(every).await;
            }
            Ok(piece)
        });
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}

fn cut(bytes: Bytes) -> AnswerBody {
    // Bytes written right before the error would never be sent.
    const FLUSH_DELAY: Duration = Duration::from_millis(20);
    let end = stream::once(async {
        tokio::time::sleep(FLUSH_DELAY).await;
        Err(Error::other("the script says so"))
    });
    let pieces = stream::iter([Ok(bytes)]).chain(end);
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}

/// These bytes, compressed with gzip.
///
/// # Panics
/// Never: it writes to memory.
pub async fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("memory takes what is written");
    encoder.shutdown().await.expect("memory takes what is written");
    encoder.into_inner().into()
}
