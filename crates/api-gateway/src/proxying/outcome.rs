//! How a call ends, for its log and its client.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::outcome::{ErrorCategory, Failure};

use crate::error::{ApiError, ErrorCode};

/// How a call ended, for its log.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// The target answered, and its response is being forwarded.
    Answered,
    /// The target refused the request, and its response is being forwarded.
    RefusedByTarget(u16),
    /// The target failed or was unreachable; the client received nothing of its response.
    Failed(Failure),
    /// The gateway refused the call, or could not understand it.
    Refused(Failure),
    /// The integration's limit allows no call before this moment.
    Limited(Timestamp),
    /// The response broke off half-way.
    Interrupted(Failure),
    /// There was nothing to send.
    Skipped,
    /// The client disconnected before the end of the response.
    ClientDisconnected,
}

/// Why a call failed: the error for its client, and the outcome for its log.
#[derive(Debug)]
pub(super) struct CallFailure {
    pub(super) error: Box<ApiError>,
    pub(super) outcome: CallOutcome,
}

impl CallFailure {
    /// A call that the gateway refused: a fault of the client, an open breaker, or a shortage of its own.
    pub(super) fn refused(category: ErrorCategory, error: ApiError) -> Self {
        let outcome = CallOutcome::Refused(Failure::new(category, error_text(&error)));
        Self {
            error: Box::new(error),
            outcome,
        }
    }

    /// A failure because no call is allowed before a moment.
    pub(super) fn limited(error: ApiError, until: Timestamp) -> Self {
        Self {
            error: Box::new(error),
            outcome: CallOutcome::Limited(until),
        }
    }

    /// A failure of the target, or on the way to it.
    pub(super) fn failed(failure: Failure) -> Self {
        let code = match failure.category {
            ErrorCategory::Timeout => ErrorCode::UpstreamTimeout,
            ErrorCategory::RateLimit
            | ErrorCategory::ServerError
            | ErrorCategory::Network
            | ErrorCategory::Auth
            | ErrorCategory::ClientError
            | ErrorCategory::Transformation
            | ErrorCategory::Config
            | ErrorCategory::Blocked
            | ErrorCategory::Source => ErrorCode::UpstreamError,
        };
        let mut error = ApiError::new(code, failure.message.clone());
        error.retry_after = failure.retry_after.as_ref().map(Duration::as_secs);
        Self {
            error: Box::new(error),
            outcome: CallOutcome::Failed(failure),
        }
    }
}

/// An error's message and details as one text.
fn error_text(error: &ApiError) -> String {
    let details = error.details.iter().map(|detail| {
        let pointer = detail.pointer.as_deref().or(detail.parameter.as_deref()).unwrap_or_default();
        format!("{pointer} {}", detail.message).trim().to_owned()
    });
    std::iter::once(error.message.clone())
        .chain(details)
        .collect::<Vec<_>>()
        .join(": ")
}
