//! A target's response to a call: the head, and a body that is still arriving.

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

use super::header_filter::strip_hop_by_hop;
use crate::exchange::{CredentialMask, failure};
use crate::prepared::masked;
use crate::tokens::Token;

/// A response whose head has arrived.
#[derive(Debug)]
pub struct ProxyResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers, without hop-by-hop ones.
    pub headers: HeaderMap,
    /// The streamed body.
    pub body: ResponseBody,
    /// The token that was sent, where calls carry one.
    pub token: Option<Token>,
    pub(super) mask: CredentialMask,
}

impl ProxyResponse {
    pub(super) fn new(
        response: http::Response<Incoming>,
        body: impl FnOnce(Incoming) -> ResponseBody,
        token: Option<Token>,
        mask: CredentialMask,
    ) -> Self {
        let (mut head, incoming) = response.into_parts();
        strip_hop_by_hop(&mut head.headers);
        Self {
            status: head.status,
            headers: head.headers,
            body: body(incoming),
            token,
            mask,
        }
    }

    /// The headers to store and show: credentials masked, including those that the target echoes.
    pub fn masked_headers(&self) -> HeaderLines {
        self.mask.mask_headers(masked(&self.headers))
    }

    /// A body to store and show, with the call's credentials masked.
    pub fn masked_body(&self, body: Bytes) -> Bytes {
        self.mask.mask_body(body)
    }

    /// Takes the masking of the call's credentials, for a body that is complete later.
    pub fn take_mask(&mut self) -> impl Fn(Bytes) -> Bytes + Send + Sync + use<> {
        let mask = std::mem::take(&mut self.mask);
        move |body| mask.mask_body(body)
    }
}

/// A body broke off; the message is a sentence that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ResponseBodyError(pub Failure);

/// A streamed response body. Each chunk must arrive within the idle timeout; there is no limit on the whole. A collected body must arrive
/// within the time of its call.
#[derive(Debug)]
pub struct ResponseBody {
    incoming: Incoming,
    idle: Duration,
    /// The call's deadline, and how long the call may take.
    deadline: (Instant, Duration),
    /// Set while waiting for a chunk.
    timer: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, idle: Duration, deadline: (Instant, Duration)) -> Self {
        Self {
            incoming,
            idle,
            deadline,
            timer: None,
        }
    }

    /// The whole body; `None` where it is larger than `max_bytes`.
    pub async fn collect_up_to(self, max_bytes: usize) -> Result<Option<Bytes>, ResponseBodyError> {
        let (deadline, total) = self.deadline;
        let collected = timeout_at(deadline, self.collect_frames(max_bytes)).await;
        collected.unwrap_or_else(|_| Err(ResponseBodyError(failure::deadline_exceeded(total))))
    }

    async fn collect_frames(mut self, max_bytes: usize) -> Result<Option<Bytes>, ResponseBodyError> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                if bytes.len() + data.len() > max_bytes {
                    return Ok(None);
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Some(bytes.freeze()))
    }

    fn idle_timeout_error(&self) -> ResponseBodyError {
        let message = format!(
            "The target stopped in the middle of its answer for {} ms.",
            self.idle.as_millis()
        );
        ResponseBodyError(Failure::new(ErrorCategory::Timeout, message))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ResponseBodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.incoming).poll_frame(context);
        if let Poll::Ready(frame) = polled {
            this.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| ResponseBodyError(failure::from_body_error(&error)))));
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err(this.idle_timeout_error())))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
