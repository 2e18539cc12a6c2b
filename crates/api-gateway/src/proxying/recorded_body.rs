//! A response body on its way to the client, which closes the call's record at its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body as ClientBody, HttpBody as Body};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::delivery_log::Attempt;
use ig_delivery::{BodyCapture, ResponseBody, ResponseBodyError};

use super::call::Permits;
use super::forwarding::AttemptStart;
use super::outcome::CallOutcome;
use super::record::CallRecord;

/// The data that closes a call when its response ends.
pub(super) struct OnEnd {
    /// The call's record.
    pub(super) record: CallRecord,
    /// The part of the response to log, where a log is kept.
    pub(super) logged: Option<LoggedResponse>,
    /// When the attempt that was answered began.
    pub(super) started: AttemptStart,
    /// The outcome of the call if the response completes.
    pub(super) outcome: CallOutcome,
    /// The call's permits.
    pub(super) permits: Permits,
}

/// The logged part of a response.
pub(super) struct LoggedResponse {
    /// The attempt that was answered.
    pub(super) attempt: Attempt,
    /// The beginning of the body.
    pub(super) capture: BodyCapture,
    /// Masks credentials in the logged body.
    pub(super) mask: Box<dyn Fn(Bytes) -> Bytes + Send>,
}

impl LoggedResponse {
    fn attempt(mut self, started: AttemptStart, outcome: Option<&CallOutcome>) -> Attempt {
        self.attempt.duration = started.elapsed();
        self.attempt.response_body = self.capture.take().filter(|body| !body.bytes.is_empty());
        if let Some(body) = &mut self.attempt.response_body {
            body.bytes = (self.mask)(std::mem::take(&mut body.bytes));
        }
        if let Some(CallOutcome::Interrupted(failure)) = outcome {
            self.attempt.failure = Some(failure.clone());
        }
        self.attempt
    }
}

/// A body that closes its call's record when it ends, breaks off or is dropped.
pub(super) struct RecordedBody {
    body: ResponseBody,
    at_end: Option<Box<OnEnd>>,
}

impl RecordedBody {
    /// The body of a streamed response.
    pub(super) fn body(body: ResponseBody, at_end: OnEnd) -> ClientBody {
        ClientBody::new(Self {
            body,
            at_end: Some(Box::new(at_end)),
        })
    }

    fn end(&mut self, outcome: Option<CallOutcome>) {
        let Some(at_end) = self.at_end.take() else { return };
        let OnEnd {
            mut record,
            logged,
            started,
            outcome: complete_outcome,
            permits,
        } = *at_end;
        if let Some(logged) = logged {
            record.record_attempt(logged.attempt(started, outcome.as_ref()));
        }
        record.close(outcome.unwrap_or(complete_outcome), SystemClock.now());
        drop(permits);
    }
}

impl Body for RecordedBody {
    type Data = Bytes;
    type Error = ResponseBodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                let logged = this.at_end.as_mut().and_then(|at_end| at_end.logged.as_mut());
                if let (Some(logged), Some(data)) = (logged, frame.data_ref()) {
                    logged.capture.record(data);
                }
            }
            Some(Err(ResponseBodyError(failure))) => this.end(Some(CallOutcome::Interrupted(failure.clone()))),
            None => this.end(None),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// After a complete body of announced length the connection does not poll for the end, nor does it after the client disconnects.
impl Drop for RecordedBody {
    fn drop(&mut self) {
        let left = (!self.body.is_end_stream()).then_some(CallOutcome::ClientDisconnected);
        self.end(left);
    }
}
