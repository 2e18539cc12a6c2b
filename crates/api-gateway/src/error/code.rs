//! Error codes and the HTTP status of each.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The kind of an error, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
    /// The body, a parameter or a header is not valid.
    ValidationError,
    /// The caller is not authenticated.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// It does not exist, or belongs to another organisation.
    NotFound,
    /// The resource has no such method.
    MethodNotAllowed,
    /// The body took too long to arrive.
    RequestTimeout,
    /// An item with this name or id exists already, or something still depends on the item.
    Conflict,
    /// The item exists but cannot be read, so it is out of use until it is replaced or readable again.
    Unreadable,
    /// The item has changed since the caller read it.
    PreconditionFailed,
    /// The body is larger than the limit.
    PayloadTooLarge,
    /// The content type of the body is not JSON.
    UnsupportedMediaType,
    /// Too many requests.
    RateLimited,
    /// The outside API failed, or could not be reached.
    UpstreamError,
    /// The outside API took too long.
    UpstreamTimeout,
    /// An internal error.
    InternalError,
    /// A dependency is unavailable.
    ServiceUnavailable,
}

impl ErrorCode {
    /// The HTTP status of this code.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Unreadable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::UpstreamError => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
