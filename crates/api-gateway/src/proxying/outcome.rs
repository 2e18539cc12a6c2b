//! How a call ends, for its log and its client.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::outcome::{ErrorCategory, Failure};

use crate::error::{ApiError, ErrorCode};

/// How a call ended, for its log.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// The target answered, and its response is being forwarded.
    ProxyResponse,
    /// The target refused the request, and its response is being forwarded.
    RefusedByTarget(u16),
    /// The target failed or was unreachable; the client received nothing of its response.
    Failed(Failure),
    /// The gateway refused the call, or could not understand it.
    Refused(Failure),
    /// The integration's limit allows no call before this moment.
    Limited(Timestamp),
    /// The response broke off half-way.
    BrokeOff(Failure),
    /// There was nothing to send.
    Skipped,
    /// The client disconnected before the end of the response.
    ClientLeft,
}

/// Why a call failed: the error for its client, and the outcome for its log.
#[derive(Debug)]
pub(super) struct CallFailure {
    pub(super) error: Box<ApiError>,
    pub(super) ending: CallOutcome,
}

impl CallFailure {
    /// A failure that the client caused.
    pub(super) fn refused(category: ErrorCategory, error: ApiError) -> Self {
        let ending = CallOutcome::Refused(Failure::new(category, said(&error)));
        Self {
            error: Box::new(error),
            ending,
        }
    }

    /// A failure because no call is allowed before a moment.
    pub(super) fn limited(error: ApiError, until: Timestamp) -> Self {
        Self {
            error: Box::new(error),
            ending: CallOutcome::Limited(until),
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
            ending: CallOutcome::Failed(failure),
        }
    }
}

/// An error's message and details as one text.
fn said(error: &ApiError) -> String {
    let details = error.details.iter().map(|detail| {
        let place = detail.pointer.as_deref().or(detail.parameter.as_deref()).unwrap_or_default();
        format!("{place} {}", detail.message).trim().to_owned()
    });
    std::iter::once(error.message.clone())
        .chain(details)
        .collect::<Vec<_>>()
        .join(": ")
}
