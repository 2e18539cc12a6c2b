//! How a call ends, for its log and for its client.

use std::time::Duration;

use ig_core::clock::Timestamp;
use ig_core::outcome::{ErrorCategory, Failure};

use crate::error::{ApiError, ErrorCode};

/// How a call ended, for its log.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// The target answered, and its answer is on its way.
    Answered,
    /// The target refused the request; its answer is on its way.
    RefusedByTarget(u16),
    /// The target failed, or could not be reached; nothing of an answer went to the client.
    Failed(Failure),
    /// It was not let through, or not understood.
    Refused(Failure),
    /// Its integration's limit leaves no room before this moment.
    Limited(Timestamp),
    /// The answer broke off in the middle.
    BrokeOff(Failure),
    /// There was nothing to send.
    Skipped,
    /// The client left before it was answered in full.
    ClientLeft,
}

/// Why a call goes no further: what its client is told, and what its log says.
#[derive(Debug)]
pub(super) struct CallFailure {
    pub(super) error: Box<ApiError>,
    pub(super) ending: CallOutcome,
}

impl CallFailure {
    /// The client's own doing.
    pub(super) fn refused(category: ErrorCategory, error: ApiError) -> Self {
        let ending = CallOutcome::Refused(Failure::new(category, said(&error)));
        Self {
            error: Box::new(error),
            ending,
        }
    }

    /// There is no room before a moment.
    pub(super) fn limited(error: ApiError, until: Timestamp) -> Self {
        Self {
            error: Box::new(error),
            ending: CallOutcome::Limited(until),
        }
    }

    /// The target's doing, or that of the way to it.
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

/// What an error says, its details included.
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
