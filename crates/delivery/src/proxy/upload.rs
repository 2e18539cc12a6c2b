//! A call's request body: complete, or streamed as the client sends it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use ig_core::delivery_log::BodyExcerpt;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body_capture::BodyCapture;

type BoxError = Box<dyn Error + Send + Sync>;
type ClientBody = UnsyncBoxBody<Bytes, BoxError>;

/// A request body. Clones share it.
#[derive(Debug, Clone)]
pub enum Upload {
    /// A complete body, which can be sent any number of times.
    Whole(Bytes),
    /// A streamed body, which can be sent once.
    Streamed(Arc<UploadStream>),
}

/// A body that goes out as it arrives from the client.
#[derive(Debug)]
pub struct UploadStream {
    shared: Mutex<Shared>,
    hint: SizeHint,
    ended: Notify,
}

#[derive(Debug)]
struct Shared {
    /// The body until sending begins.
    unstarted: Option<ClientBody>,
    state: UploadState,
    since: Instant,
    capture: BodyCapture,
    /// Whether the target has begun to respond. From then on the rest of the upload has no deadline.
    response_started: bool,
}

/// What a streamed upload waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadState {
    /// The connection has not asked for it yet.
    NotStarted,
    /// The client's next chunk.
    AwaitingClient,
    /// The target, to take a chunk.
    AwaitingTarget,
    /// Nothing: the whole body was sent.
    Complete,
    /// Nothing: the client broke off.
    ClientAborted,
    /// Nothing: the client did not send the next chunk in time.
    ClientStalled,
}

impl Upload {
    /// A body that the client is still sending; its first `kept` bytes are captured for the log.
    pub fn streamed<B>(body: B, kept: usize) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hint = body.size_hint();
        let body = http_body_util::BodyExt::map_err(body, Into::into);
        let shared = Shared {
            unstarted: Some(UnsyncBoxBody::new(body)),
            state: UploadState::NotStarted,
            since: Instant::now(),
            capture: BodyCapture::with_limit(kept),
            response_started: false,
        };
        Self::Streamed(Arc::new(UploadStream {
            shared: Mutex::new(shared),
            hint,
            ended: Notify::new(),
        }))
    }

    /// Whether it can be sent now. A stream can be started once.
    pub fn can_be_sent(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Streamed(stream) => stream.shared.lock().unstarted.is_some(),
        }
    }

    /// The target has begun to respond.
    pub(super) fn mark_response_started(&self) {
        if let Self::Streamed(stream) = self {
            stream.shared.lock().response_started = true;
        }
    }

    /// The state of a streamed body.
    pub(super) fn state(&self) -> Option<UploadState> {
        match self {
            Self::Whole(_) => None,
            Self::Streamed(stream) => Some(stream.state().0),
        }
    }

    /// The captured bytes for the log.
    pub fn captured(&self) -> Option<BodyExcerpt> {
        match self {
            Self::Whole(bytes) => Some(BodyExcerpt {
                bytes: bytes.clone(),
                truncated: false,
            }),
            Self::Streamed(stream) => stream.shared.lock().capture.take(),
        }
    }

    /// The body for the connection. A client has `idle` for each chunk, and until the deadline for all of them, unless the target has begun
    /// to respond by then.
    pub(super) fn body(&self, idle: Duration, deadline: Instant) -> UploadBody {
        UploadBody(match self {
            Self::Whole(bytes) => BodyKind::Whole(Some(bytes.clone())),
            Self::Streamed(stream) => BodyKind::Streamed(StreamedBody {
                body: None,
                stream: Arc::clone(stream),
                idle,
                deadline,
                timer: None,
            }),
        })
    }
}

impl UploadStream {
    /// The state, and since when.
    pub(super) fn state(&self) -> (UploadState, Instant) {
        let shared = self.shared.lock();
        (shared.state, shared.since)
    }

    /// Waits until the stream has ended.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    fn set_state(&self, state: UploadState) {
        let mut shared = self.shared.lock();
        if shared.state != state {
            shared.state = state;
            shared.since = Instant::now();
        }
        drop(shared);
        if matches!(
            state,
            UploadState::Complete | UploadState::ClientAborted | UploadState::ClientStalled
        ) {
            self.ended.notify_one();
        }
    }

    fn record_frame(&self, frame: &Frame<Bytes>) {
        let mut shared = self.shared.lock();
        if let Some(data) = frame.data_ref() {
            shared.capture.record(data);
        }
        shared.state = UploadState::AwaitingTarget;
        shared.since = Instant::now();
    }
}

/// A request body as the connection polls it.
#[derive(Debug)]
pub struct UploadBody(BodyKind);

#[derive(Debug)]
enum BodyKind {
    Whole(Option<Bytes>),
    Streamed(StreamedBody),
}

/// A stream while it is sent. It times the client itself: once the target responds before the upload is complete, nothing else watches the
/// client.
#[derive(Debug)]
struct StreamedBody {
    /// Set when the first chunk is polled.
    body: Option<ClientBody>,
    stream: Arc<UploadStream>,
    idle: Duration,
    deadline: Instant,
    /// Set while waiting for a chunk.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the client did not go on sending")]
struct ClientStalled;

impl Body for UploadBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            BodyKind::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            BodyKind::Streamed(body) => body.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            BodyKind::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            BodyKind::Streamed(body) => body.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            BodyKind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            BodyKind::Streamed(body) => body.body.as_ref().map_or(body.stream.hint, Body::size_hint),
        }
    }
}

impl StreamedBody {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_none() {
            self.body = self.stream.shared.lock().unstarted.take();
        }
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else {
            return self.poll_idle_timer(context);
        };
        self.timer = None;
        match &frame {
            Some(Ok(_)) if self.is_past_deadline(Instant::now()) => return self.stalled(),
            Some(Ok(frame)) => self.stream.record_frame(frame),
            Some(Err(_)) => self.stream.set_state(UploadState::ClientAborted),
            None => self.stream.set_state(UploadState::Complete),
        }
        Poll::Ready(frame)
    }

    fn poll_idle_timer(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.stream.set_state(UploadState::AwaitingClient);
        loop {
            let idle = self.stream.state().1 + self.idle;
            let now = Instant::now();
            if idle <= now || self.is_past_deadline(now) {
                return self.stalled();
            }
            // A deadline that has passed no longer applies once the target has begun to respond.
            let until = Some(self.deadline)
                .filter(|deadline| *deadline > now)
                .map_or(idle, |deadline| deadline.min(idle));
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            ready!(timer.as_mut().poll(context));
            self.timer = None;
        }
    }

    fn is_past_deadline(&self, now: Instant) -> bool {
        self.deadline <= now && !self.stream.shared.lock().response_started
    }

    fn stalled(&self) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.stream.set_state(UploadState::ClientStalled);
        Poll::Ready(Some(Err(Box::new(ClientStalled))))
    }

    fn is_over(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => self.stream.hint.exact() == Some(0),
        }
    }
}

/// A connection that has sent the announced length does not poll for the end.
impl Drop for StreamedBody {
    fn drop(&mut self) {
        if self.body.as_ref().is_some_and(Body::is_end_stream) {
            self.stream.set_state(UploadState::Complete);
        }
    }
}
