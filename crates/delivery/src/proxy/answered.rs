//! What a target answers to a call: the head, and a body that is still coming.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ig_core::header_lines::HeaderLines;
use ig_core::outcome::{ErrorCategory, Failure};
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use super::hygiene::without_hop_by_hop;
use crate::exchange::{Credentials, failure};
use crate::prepared::masked;
use crate::tokens::Token;

/// A target's answer whose head has arrived.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers, without those of the connection.
    pub headers: HeaderMap,
    /// The body as it comes.
    pub body: AnsweredBody,
    /// The token that was sent, where calls carry one.
    pub token: Option<Token>,
    pub(super) credentials: Credentials,
}

impl Answered {
    pub(super) fn new(
        response: http::Response<Incoming>,
        body: impl FnOnce(Incoming) -> AnsweredBody,
        token: Option<Token>,
        credentials: Credentials,
    ) -> Self {
        let (mut head, incoming) = response.into_parts();
        without_hop_by_hop(&mut head.headers);
        Self {
            status: head.status,
            headers: head.headers,
            body: body(incoming),
            token,
            credentials,
        }
    }

    /// The headers as they may be stored and shown: credentials masked, also those that the target echoes.
    pub fn masked_headers(&self) -> HeaderLines {
        self.credentials.hide_in_headers(masked(&self.headers))
    }

    /// A body as it may be stored and shown: without the credentials that were sent.
    pub fn masked_body(&self, body: Bytes) -> Bytes {
        self.credentials.hide_in(body)
    }

    /// The credentials of the call, to be masked once the rest of the answer is known.
    pub fn take_masks(&mut self) -> impl Fn(Bytes) -> Bytes + Send + Sync + use<> {
        let credentials = std::mem::take(&mut self.credentials);
        move |body| credentials.hide_in(body)
    }
}

/// A body broke off: the sentence is one that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Broken(pub Failure);

/// A body on its way down. It may take any time that it likes, as long as each next part comes within the time between two parts; where it
/// is wanted whole, all of it comes within that of the call.
#[derive(Debug)]
pub struct AnsweredBody {
    incoming: Incoming,
    idle: Duration,
    /// The end of the call's time, and how long that was.
    deadline: (Instant, Duration),
    /// Set while a part is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl AnsweredBody {
    pub(super) fn new(incoming: Incoming, idle: Duration, deadline: (Instant, Duration)) -> Self {
        Self {
            incoming,
            idle,
            deadline,
            timer: None,
        }
    }

    /// All of it, or nothing where it is larger than `most` bytes.
    pub async fn whole(self, most: usize) -> Result<Option<Bytes>, Broken> {
        let (deadline, total) = self.deadline;
        let whole = timeout_at(deadline, self.collected(most)).await;
        whole.unwrap_or_else(|_| Err(Broken(failure::deadline(total))))
    }

    async fn collected(mut self, most: usize) -> Result<Option<Bytes>, Broken> {
        let mut whole = BytesMut::new();
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                if whole.len() + data.len() > most {
                    return Ok(None);
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(Some(whole.freeze()))
    }

    fn too_late(&self) -> Broken {
        let message = format!(
            "The target stopped in the middle of its answer for {} ms.",
            self.idle.as_millis()
        );
        Broken(Failure::new(ErrorCategory::Timeout, message))
    }
}

impl Body for AnsweredBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.incoming).poll_frame(context);
        if let Poll::Ready(frame) = polled {
            this.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| Broken(failure::of_exchange(&error)))));
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err(this.too_late())))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
