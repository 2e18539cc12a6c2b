//! A body on its way up: in one piece, or as the client sends it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use ig_core::delivery_log::KeptBody;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::kept::Keeping;

type BoxError = Box<dyn Error + Send + Sync>;
type ClientBody = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is to go up. Clones are the same body.
#[derive(Debug, Clone)]
pub enum Upload {
    /// All of it is here, so it can be sent any number of times.
    Whole(Bytes),
    /// It comes in as it goes out, once.
    Streamed(Arc<Stream>),
}

/// A body that comes in as it goes out.
#[derive(Debug)]
pub struct Stream {
    inner: Mutex<Inner>,
    hint: SizeHint,
    ended: Notify,
}

#[derive(Debug)]
struct Inner {
    /// Until somebody begins to send it.
    waiting: Option<ClientBody>,
    stage: Stage,
    since: Instant,
    keeping: Keeping,
}

/// Whom a stream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody has asked for it yet.
    Waiting,
    /// The client, for the next part.
    Client,
    /// The target, to take a part.
    Target,
    /// Nobody: all of it was handed on.
    Ended,
    /// Nobody: the client broke off.
    Broken,
}

impl Upload {
    /// A body that the client sends meanwhile; the first `kept` bytes are kept for the log.
    pub fn streamed<B>(body: B, kept: usize) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hint = body.size_hint();
        let body = http_body_util::BodyExt::map_err(body, Into::into);
        let inner = Inner {
            waiting: Some(UnsyncBoxBody::new(body)),
            stage: Stage::Waiting,
            since: Instant::now(),
            keeping: Keeping::at_most(kept),
        };
        Self::Streamed(Arc::new(Stream {
            inner: Mutex::new(inner),
            hint,
            ended: Notify::new(),
        }))
    }

    /// Whether it can be sent now: a stream that was begun cannot be begun again.
    pub fn can_be_sent(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Streamed(stream) => stream.inner.lock().waiting.is_some(),
        }
    }

    /// Whether the client broke off in the middle.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Streamed(stream) if stream.inner.lock().stage == Stage::Broken)
    }

    /// What is kept of it for the log.
    pub fn kept(&self) -> Option<KeptBody> {
        match self {
            Self::Whole(bytes) => Some(KeptBody {
                bytes: bytes.clone(),
                truncated: false,
            }),
            Self::Streamed(stream) => stream.inner.lock().keeping.take(),
        }
    }

    pub(super) fn body(&self) -> Uploading {
        Uploading(match self {
            Self::Whole(bytes) => Going::Whole(Some(bytes.clone())),
            Self::Streamed(stream) => Going::Streamed(None, Arc::clone(stream)),
        })
    }
}

impl Stream {
    /// Whom it waits for, and since when.
    pub(super) fn stage(&self) -> (Stage, Instant) {
        let inner = self.inner.lock();
        (inner.stage, inner.since)
    }

    /// Waits until nothing more of it will come.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    fn enter(&self, stage: Stage) {
        let mut inner = self.inner.lock();
        if inner.stage != stage {
            inner.stage = stage;
            inner.since = Instant::now();
        }
        drop(inner);
        if matches!(stage, Stage::Ended | Stage::Broken) {
            self.ended.notify_one();
        }
    }

    fn passed(&self, frame: &Frame<Bytes>) {
        let mut inner = self.inner.lock();
        if let Some(data) = frame.data_ref() {
            inner.keeping.pass(data);
        }
        inner.stage = Stage::Target;
        inner.since = Instant::now();
    }
}

/// A body as the connection takes it.
#[derive(Debug)]
pub struct Uploading(Going);

#[derive(Debug)]
enum Going {
    Whole(Option<Bytes>),
    Streamed(Option<ClientBody>, Arc<Stream>),
}

impl Body for Uploading {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Going::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Going::Streamed(body, stream) => {
                if body.is_none() {
                    *body = stream.inner.lock().waiting.take();
                }
                let Some(body) = body else { return Poll::Ready(None) };
                poll_client(Pin::new(body), stream, context)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Going::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Going::Streamed(Some(body), _) => body.is_end_stream(),
            Going::Streamed(None, stream) => stream.hint.exact() == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Going::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Going::Streamed(Some(body), _) => body.size_hint(),
            Going::Streamed(None, stream) => stream.hint,
        }
    }
}

fn poll_client(
    body: Pin<&mut ClientBody>,
    stream: &Stream,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
    let polled = body.poll_frame(context);
    if polled.is_pending() {
        stream.enter(Stage::Client);
    }
    let frame = ready!(polled);
    match &frame {
        Some(Ok(frame)) => stream.passed(frame),
        Some(Err(_)) => stream.enter(Stage::Broken),
        None => stream.enter(Stage::Ended),
    }
    Poll::Ready(frame)
}

/// A connection that has all of the announced length does not ask for the end.
impl Drop for Uploading {
    fn drop(&mut self) {
        if let Going::Streamed(Some(body), stream) = &self.0
            && body.is_end_stream()
        {
            stream.enter(Stage::Ended);
        }
    }
}
