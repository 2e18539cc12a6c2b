//! The errors that an operation can return: most follow from its input.

use serde_json::json;
use utoipa::openapi::{Components, Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::headers::error_headers;
use super::operation::DescribedOperation;
use crate::error::ErrorCode;

const JSON: &str = "application/json";

/// Every error of an operation, with its name in the description and its condition.
const ERRORS: [(ErrorCode, &str, &str); 16] = [
    (
        ErrorCode::ValidationError,
        "ValidationError",
        "The body, a parameter or a header is invalid: `details` names each fault",
    ),
    (
        ErrorCode::Unauthorized,
        "Unauthorized",
        "The key or token is missing, unknown or no longer valid",
    ),
    (
        ErrorCode::Forbidden,
        "Forbidden",
        "The caller may not do this, or not over plain HTTP",
    ),
    (
        ErrorCode::NotFound,
        "NotFound",
        "The item does not exist, or belongs to another tenant",
    ),
    (
        ErrorCode::RequestTimeout,
        "RequestTimeout",
        "The body took too long to arrive",
    ),
    (
        ErrorCode::MethodNotAllowed,
        "MethodNotAllowed",
        "The inbound integration does not allow this method: `Allow` lists the allowed ones",
    ),
    (
        ErrorCode::Conflict,
        "Conflict",
        "The name or id is already taken, another item depends on this one, or an operation is under way",
    ),
    (
        ErrorCode::Unreadable,
        "Unreadable",
        "The item exists and cannot be read, for example because the key of its secrets is gone: replace or delete it",
    ),
    (
        ErrorCode::PreconditionFailed,
        "PreconditionFailed",
        "The item has changed since the caller read it: read it again",
    ),
    (
        ErrorCode::PayloadTooLarge,
        "PayloadTooLarge",
        "The body is larger than the limit",
    ),
    (
        ErrorCode::UnsupportedMediaType,
        "UnsupportedMediaType",
        "The operation does not accept the body's content type",
    ),
    (
        ErrorCode::RateLimited,
        "RateLimited",
        "Too many requests: `Retry-After` says when to try again",
    ),
    (
        ErrorCode::UpstreamError,
        "UpstreamError",
        "The outside API failed or could not be reached",
    ),
    (ErrorCode::UpstreamTimeout, "UpstreamTimeout", "The outside API took too long"),
    (
        ErrorCode::InternalError,
        "InternalError",
        "An internal fault; `requestId` finds it in the logs",
    ),
    (
        ErrorCode::ServiceUnavailable,
        "ServiceUnavailable",
        "A dependency is unavailable or took too long: try again",
    ),
];

/// Defines the errors where operations refer to them.
pub(super) fn define(components: &mut Components) {
    for (code, name, when) in ERRORS {
        components.responses.insert(name.to_owned(), response(code, when).into());
    }
}

fn response(code: ErrorCode, when: &str) -> Response {
    let mut response = ResponseBuilder::new()
        .description(when)
        .content(JSON, body(code, when))
        .build();
    response.headers = error_headers(code);
    response
}

fn body(code: ErrorCode, when: &str) -> Content {
    let example = json!({
        "error": when,
        "code": code,
        "statusCode": code.status().as_u16(),
        "timestamp": "2026-01-31T10:00:00.000Z",
        "requestId": "req_0123456789abcdef0123456789abcdef",
    });
    let schema = Ref::from_schema_name("ErrorBody");
    ContentBuilder::new().schema(Some(schema)).example(Some(example)).build()
}

/// Adds the errors of an operation; those that its handler declares stay and get the uniform body.
pub(super) fn complete(described: &mut DescribedOperation<'_>) {
    let possible: Vec<_> = ERRORS.iter().filter(|(code, _, _)| can_return(described, *code)).collect();
    let responses = &mut described.operation.responses.responses;
    for (code, name, _) in possible {
        let status = code.status().as_u16().to_string();
        responses
            .entry(status)
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(*name)));
    }
    for (code, _, _) in ERRORS {
        let Some(RefOr::T(response)) = responses.get_mut(code.status().as_str()) else {
            continue;
        };
        let body = body(code, &response.description);
        response.content.insert(JSON.to_owned(), body.into());
        response.headers = error_headers(code);
    }
}

fn can_return(described: &DescribedOperation<'_>, code: ErrorCode) -> bool {
    match code {
        ErrorCode::ValidationError => described.takes_input(),
        ErrorCode::Unauthorized => !described.is_public(),
        ErrorCode::NotFound => described.refers_to_item(),
        ErrorCode::RequestTimeout | ErrorCode::PayloadTooLarge | ErrorCode::UnsupportedMediaType => described.has_body(),
        ErrorCode::Conflict => described.is_mutating(),
        ErrorCode::Unreadable => described.decrypts_secrets(),
        ErrorCode::PreconditionFailed => described.is_guarded(),
        // Any route refuses plain HTTP where HTTPS is enforced.
        ErrorCode::Forbidden | ErrorCode::RateLimited | ErrorCode::InternalError | ErrorCode::ServiceUnavailable => true,
        ErrorCode::MethodNotAllowed | ErrorCode::UpstreamError | ErrorCode::UpstreamTimeout => described.is_proxied(),
    }
}
