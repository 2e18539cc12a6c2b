//! A body on its way up: in one piece, or as the client sends it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use ig_core::delivery_log::KeptBody;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

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
    /// Whether the target has begun to answer: what still goes up has no end of its time from then on.
    is_answered: bool,
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
    /// Nobody: the client did not send the next part in time.
    Stalled,
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
            is_answered: false,
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

    /// The target has begun to answer.
    pub(super) fn answered(&self) {
        if let Self::Streamed(stream) = self {
            stream.inner.lock().is_answered = true;
        }
    }

    /// Whom it waits for, where it streams.
    pub(super) fn stage(&self) -> Option<Stage> {
        match self {
            Self::Whole(_) => None,
            Self::Streamed(stream) => Some(stream.stage().0),
        }
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

    /// The body as it goes to the target; a client has so long for each part of what streams, and until the deadline for all of it, unless the
    /// target has begun to answer by then.
    pub(super) fn body(&self, idle: Duration, deadline: Instant) -> Uploading {
        Uploading(match self {
            Self::Whole(bytes) => Going::Whole(Some(bytes.clone())),
            Self::Streamed(stream) => Going::Streamed(Streaming {
                body: None,
                stream: Arc::clone(stream),
                idle,
                deadline,
                timer: None,
            }),
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
        if matches!(stage, Stage::Ended | Stage::Broken | Stage::Stalled) {
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
    Streamed(Streaming),
}

/// A stream that somebody sends. It keeps time by itself: a target may answer before it has the whole body, and then nobody else watches
/// whether the client goes on.
#[derive(Debug)]
struct Streaming {
    /// Nothing until the first part is asked for.
    body: Option<ClientBody>,
    stream: Arc<Stream>,
    idle: Duration,
    deadline: Instant,
    /// Set while a part is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the client did not go on sending")]
struct Stalled;

impl Body for Uploading {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Going::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Going::Streamed(streaming) => streaming.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Going::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Going::Streamed(streaming) => streaming.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Going::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Going::Streamed(streaming) => streaming.body.as_ref().map_or(streaming.stream.hint, Body::size_hint),
        }
    }
}

impl Streaming {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_none() {
            self.body = self.stream.inner.lock().waiting.take();
        }
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else {
            return self.poll_patience(context);
        };
        self.timer = None;
        match &frame {
            Some(Ok(_)) if self.is_due(Instant::now()) => return self.stalled(),
            Some(Ok(frame)) => self.stream.passed(frame),
            Some(Err(_)) => self.stream.enter(Stage::Broken),
            None => self.stream.enter(Stage::Ended),
        }
        Poll::Ready(frame)
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.stream.enter(Stage::Client);
        loop {
            let idle = self.stream.stage().1 + self.idle;
            let now = Instant::now();
            if idle <= now || self.is_due(now) {
                return self.stalled();
            }
            // The deadline that passes may be none by then.
            let until = Some(self.deadline)
                .filter(|deadline| *deadline > now)
                .map_or(idle, |deadline| deadline.min(idle));
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            ready!(timer.as_mut().poll(context));
            self.timer = None;
        }
    }

    /// Whether its time is over.
    fn is_due(&self, now: Instant) -> bool {
        self.deadline <= now && !self.stream.inner.lock().is_answered
    }

    fn stalled(&self) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.stream.enter(Stage::Stalled);
        Poll::Ready(Some(Err(Box::new(Stalled))))
    }

    fn is_over(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => self.stream.hint.exact() == Some(0),
        }
    }
}

/// A connection that has all of the announced length does not ask for the end.
impl Drop for Streaming {
    fn drop(&mut self) {
        if self.body.as_ref().is_some_and(Body::is_end_stream) {
            self.stream.enter(Stage::Ended);
        }
    }
}
