//! The errors that an operation can return: most follow from its input.

use serde_json::json;
use utoipa::openapi::{Components, Content, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::headers::error_headers;
use super::operation::Described;
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
        components.responses.insert(name.to_owned(), answer(code, when).into());
    }
}

fn answer(code: ErrorCode, when: &str) -> Response {
    let mut answer = ResponseBuilder::new()
        .description(when)
        .content(JSON, body(code, when))
        .build();
    answer.headers = error_headers(code);
    answer
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
pub(super) fn complete(described: &mut Described<'_>) {
    let wanted: Vec<_> = ERRORS.iter().filter(|(code, _, _)| can_answer(described, *code)).collect();
    let answers = &mut described.operation.responses.responses;
    for (code, name, _) in wanted {
        let status = code.status().as_u16().to_string();
        answers
            .entry(status)
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(*name)));
    }
    for (code, _, _) in ERRORS {
        let Some(RefOr::T(answer)) = answers.get_mut(code.status().as_str()) else {
            continue;
        };
        let body = body(code, &answer.description);
        answer.content.insert(JSON.to_owned(), body.into());
        answer.headers = error_headers(code);
    }
}

fn can_answer(described: &Described<'_>, code: ErrorCode) -> bool {
    match code {
        ErrorCode::ValidationError => described.takes_anything(),
        ErrorCode::Unauthorized => !described.is_open(),
        ErrorCode::NotFound => described.names_something(),
        ErrorCode::RequestTimeout | ErrorCode::PayloadTooLarge | ErrorCode::UnsupportedMediaType => described.has_body(),
        ErrorCode::Conflict => described.changes(),
        ErrorCode::Unreadable => described.opens_secrets(),
        ErrorCode::PreconditionFailed => described.is_guarded(),
        // Any route refuses plain HTTP where HTTPS is enforced.
        ErrorCode::Forbidden | ErrorCode::RateLimited | ErrorCode::InternalError | ErrorCode::ServiceUnavailable => true,
        ErrorCode::MethodNotAllowed | ErrorCode::UpstreamError | ErrorCode::UpstreamTimeout => described.passes_on(),
    }
}
