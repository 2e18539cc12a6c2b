//! Errors of the API, in one shape.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use ig_core::clock::Timestamp;
use ig_core::fault::Faults;
use ig_core::ports::StoreError;
use ig_store::{CountError, Unreadable};
use serde::Serialize;
use utoipa::ToSchema;

mod code;

pub(crate) use code::ErrorCode;

/// How people repair what cannot be read.
pub(crate) const REPAIR_HINT: &str =
    "replace it with PUT and all of its secrets, delete it, or have the platform configure the key again";

/// The seconds after which a caller may retry while a dependency is unavailable.
const RETRY_AFTER_SECONDS: u64 = 2;

/// The most parameters to report, and the most characters of each name.
const MAX_PARAMETERS: usize = 100;
const MAX_NAME_CHARS: usize = 200;

/// One fault of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    /// A JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The name of the query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// An error response. The outermost layer renders it with the request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub code: ErrorCode,
    pub message: String,
    pub details: Vec<Detail>,
    pub retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
        }
    }

    /// The item does not exist or belongs to another tenant: the caller cannot tell which.
    pub(crate) fn not_found(kind: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{kind} not found"))
    }

    /// The item exists, but its stored form cannot be read.
    pub(crate) fn unreadable(kind: &str, found: &Unreadable) -> Self {
        let Unreadable { id, name, reason, .. } = found;
        Self::new(
            ErrorCode::Unreadable,
            format!("{kind} {id} ({name}) cannot be read: {reason}; {REPAIR_HINT}"),
        )
    }

    /// A query parameter or header is invalid.
    pub(crate) fn parameter(name: &str, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorCode::ValidationError, "The request's parameters are not valid");
        error.details.push(Detail {
            pointer: None,
            parameter: Some(name.to_owned()),
            message: message.into(),
        });
        error
    }

    /// Several query parameters are invalid in the same way; at most a hundred are reported.
    pub(crate) fn parameters<'a>(names: impl Iterator<Item = &'a str>, message: &str) -> Self {
        let mut error = Self::new(ErrorCode::ValidationError, "The request's parameters are not valid");
        let details = names.take(MAX_PARAMETERS).map(|name| Detail {
            pointer: None,
            parameter: Some(name.chars().take(MAX_NAME_CHARS).collect()),
            message: message.to_owned(),
        });
        error.details = details.collect();
        error
    }

    /// The body is invalid at one place.
    pub(crate) fn fault(pointer: &str, message: impl Into<String>) -> Self {
        Faults::single(pointer, message).into()
    }

    /// A dependency is unavailable.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorCode::ServiceUnavailable, message);
        error.retry_after = Some(RETRY_AFTER_SECONDS);
        error
    }

    /// A limit is exceeded; there is room again at `free_at`.
    pub(crate) fn rate_limited(message: impl Into<String>, free_at: Timestamp, now: Timestamp) -> Self {
        let mut error = Self::new(ErrorCode::RateLimited, message);
        let wait = (free_at - now).num_milliseconds().max(0);
        error.retry_after = Some(u64::try_from(wait).unwrap_or(0).div_ceil(1_000).max(1));
        error
    }

    /// An internal error. Its cause is logged where it is found and never sent.
    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::InternalError, "Something went wrong on our side")
    }
}

impl From<Faults> for ApiError {
    fn from(faults: Faults) -> Self {
        let mut error = Self::new(ErrorCode::ValidationError, "The request's body is not valid");
        let details = faults.list().iter().map(|fault| Detail {
            pointer: Some(fault.pointer.clone()),
            parameter: None,
            message: fault.message.clone(),
        });
        error.details = details.collect();
        error
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => {
                tracing::warn!(cause, "the database is away");
                Self::unavailable("The database is unavailable, please try again")
            }
            StoreError::Refused(cause) => {
                tracing::error!(cause, "the database refused");
                Self::internal()
            }
        }
    }
}

impl From<CountError> for ApiError {
    fn from(error: CountError) -> Self {
        match error {
            CountError::TooMuch(patience) => {
                let mut error = Self::new(
                    ErrorCode::ServiceUnavailable,
                    format!("There is more than can be counted within {} s", patience.as_secs()),
                );
                error.details.push(Detail {
                    pointer: None,
                    parameter: Some("startDate".to_owned()),
                    message: "ask for a shorter period, or for one integration".to_owned(),
                });
                error
            }
            CountError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status();
        response.extensions_mut().insert(self);
        response
    }
}
