//! Transforms request and response bodies.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::event::Payload;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_transform::{CompiledShape, Refusal, Subject, TransformError, Transformer, WithConsole};

use super::content_headers;
use super::matching::overloaded;
use super::outcome::CallFailure;
use super::record::CallRecord;
use super::routes::Route;
use crate::error::{ApiError, ErrorCode};

/// Whether the content type is JSON; a missing one counts as JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE);
    given.is_none_or(|given| given.to_str().is_ok_and(content_headers::is_json))
}

/// The transformed request body; `None` where the script returns nothing to send. An empty body counts as an empty object.
pub(super) async fn transform_request(
    transformer: &Transformer,
    route: &Route,
    shape: &CompiledShape,
    headers: &HeaderMap,
    body: &Bytes,
    record: &mut CallRecord,
) -> Result<Option<Bytes>, CallFailure> {
    if !is_json(headers) || headers.contains_key(CONTENT_ENCODING) {
        let message = "The body must be JSON, sent as Content-Type: application/json and not compressed: it is transformed";
        let error = ApiError::new(ErrorCode::UnsupportedMediaType, message);
        return Err(CallFailure::refused(ErrorCategory::ClientError, error));
    }
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body.clone()
    };
    let payload = Payload::parse(body).map_err(|error| {
        let error = ApiError::fault("", format!("is not valid JSON: {error}"));
        CallFailure::refused(ErrorCategory::ClientError, error)
    })?;
    match transform(transformer, route, shape, &payload, "transform request", record).await {
        Ok(shaped) => Ok(shaped),
        Err(TransformError::Refused(refusal)) => Err(untransformable(&refusal)),
        Err(TransformError::Disabled(refusal, left)) => Err(script_disabled(&refusal, left)),
        Err(TransformError::Unavailable(reason)) => Err(unavailable(&reason)),
    }
}

/// The transformed response body; `None` where the script returned null.
pub(super) async fn transform_response(
    transformer: &Transformer,
    route: &Route,
    shape: &CompiledShape,
    payload: &Payload,
    record: &mut CallRecord,
) -> Result<Option<Bytes>, CallFailure> {
    match transform(transformer, route, shape, payload, "transform answer", record).await {
        Ok(shaped) => Ok(shaped),
        Err(TransformError::Refused(refusal) | TransformError::Disabled(refusal, _)) => {
            let message = format!("The target's answer could not be transformed: {refusal}");
            Err(CallFailure::failed(Failure::new(ErrorCategory::Transformation, message)))
        }
        Err(TransformError::Unavailable(reason)) => Err(unavailable(&reason)),
    }
}

async fn transform(
    transformer: &Transformer,
    route: &Route,
    shape: &CompiledShape,
    payload: &Payload,
    step: &'static str,
    record: &mut CallRecord,
) -> Result<Option<Bytes>, TransformError> {
    let integration = &route.integration;
    let subject = Subject {
        org_id: integration.org_id,
        entity_rid: integration.tenant_id,
        integration: integration.id,
        event_type: &route.event_type,
        now: SystemClock.now(),
    };
    let started = Instant::now();
    let WithConsole { result, console } = transformer.shape(shape, payload, &subject).await;
    let detail = match &result {
        Ok(Some(body)) => format!("{} bytes", body.len()),
        Ok(None) => "null".to_owned(),
        Err(error) => error.to_string(),
    };
    record.record_transformation(step, started.elapsed(), detail, console);
    result
}

fn untransformable(refusal: &Refusal) -> CallFailure {
    let error = ApiError::fault("", format!("could not be transformed: {refusal}"));
    CallFailure::refused(ErrorCategory::Transformation, error)
}

/// The error while a script is disabled: the client did nothing wrong and may try again later.
fn script_disabled(refusal: &Refusal, left: Duration) -> CallFailure {
    let message = format!("The body cannot be transformed now: {refusal}");
    CallFailure::refused(ErrorCategory::Transformation, overloaded(&message, left))
}

fn unavailable(reason: &str) -> CallFailure {
    tracing::warn!(reason, "a body cannot be given its shape now");
    let error = ApiError::unavailable("The body cannot be transformed now, please try again");
    CallFailure::refused(ErrorCategory::Transformation, error)
}
