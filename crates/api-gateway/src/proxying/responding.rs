//! Answers a call: streams the target's response, or transforms it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::delivery_log::BodyExcerpt;
use ig_core::event::Payload;
use ig_core::integration::Transformation;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{BodyCapture, ProxyResponse, strip_origin_headers};
use ig_transform::{CompiledShape, Transformer};

use super::call::Permits;
use super::content_headers::describe_json_body;
use super::forwarding::AttemptStart;
use super::outcome::{CallFailure, CallOutcome};
use super::record::{CallRecord, MAX_LOGGED_BODY};
use super::recorded_body::{LoggedResponse, OnEnd, RecordedBody};
use super::routes::Route;
use super::shaping;
use crate::access::RENEWED_TOKEN;
use crate::response_layer::FromUpstream;

mod envelope;

/// The response as it streams in.
pub(super) fn stream(mut response: ProxyResponse, started: AttemptStart, record: CallRecord, permits: Permits) -> Response {
    let at_end = OnEnd {
        logged: record.is_logged().then(|| LoggedResponse {
            capture: BodyCapture::with_limit(record.capture_limit(MAX_LOGGED_BODY)),
            attempt: started.with_response(&response, None, None),
            mask: Box::new(response.take_mask()),
        }),
        outcome: outcome_of(response.status),
        record,
        started,
        permits,
    };
    client_response(response.status, response.headers, RecordedBody::body(response.body, at_end))
}

/// Whether to transform a response: it needs a body, and mappings apply to successful responses only.
pub(super) fn is_transformed(route: &Route, method: &Method, status: StatusCode) -> bool {
    let has_no_body = method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let applies = match &route.integration.response {
        None => false,
        Some(Transformation::Script(_)) => true,
        Some(Transformation::Simple(_)) => status.is_success(),
    };
    applies && !has_no_body
}

/// The transformed response.
pub(super) async fn transform(
    transformer: &Transformer,
    (route, shape): (&Route, &CompiledShape),
    response: ProxyResponse,
    started: AttemptStart,
    record: &mut CallRecord,
    max_bytes: usize,
) -> Result<Response, CallFailure> {
    let (status, headers, body) = read_whole(response, started, record, max_bytes).await?;
    let is_script = matches!(route.integration.response, Some(Transformation::Script(_)));
    let payload = transformation_input(&headers, &body, status, is_script)?;
    let output = shaping::transform_response(transformer, route, shape, &payload, record).await?;
    let transformed = match output {
        None => envelope::TransformedResponse::empty(),
        Some(output) if is_script => envelope::parse(output, status).map_err(CallFailure::failed)?,
        Some(output) => envelope::TransformedResponse::body(output, status),
    };
    record.close(outcome_of(status), SystemClock.now());
    Ok(transformed_response(transformed, headers))
}

/// Reads a whole response and records the attempt.
async fn read_whole(
    mut response: ProxyResponse,
    started: AttemptStart,
    record: &mut CallRecord,
    max_bytes: usize,
) -> Result<(StatusCode, HeaderMap, Bytes), CallFailure> {
    let mut attempt = started.with_response(&response, None, None);
    let mask = response.take_mask();
    let (status, headers) = (response.status, response.headers);
    let collected = response.body.collect_up_to(max_bytes).await;
    attempt.duration = started.elapsed();
    let captured = collected
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .filter(|_| record.capture_limit(MAX_LOGGED_BODY) > 0);
    attempt.response_body = captured.map(|body| BodyExcerpt {
        truncated: body.len() > MAX_LOGGED_BODY,
        bytes: mask(body.slice(..body.len().min(MAX_LOGGED_BODY))),
    });
    attempt.failure = collected.as_ref().err().map(|broken| broken.0.clone());
    record.record_attempt(attempt);
    match collected {
        Ok(Some(body)) => Ok((status, headers, body)),
        Ok(None) => Err(CallFailure::failed(too_large(max_bytes))),
        Err(broken) => Err(CallFailure::failed(broken.0)),
    }
}

fn transformed_response(transformed: envelope::TransformedResponse, mut headers: HeaderMap) -> Response {
    describe_json_body(&mut headers);
    transformed.set_headers(&mut headers);
    client_response(transformed.status, headers, Body::from(transformed.body))
}

/// The response where there was nothing to send.
pub(super) fn no_content() -> Response {
    client_response(StatusCode::NO_CONTENT, HeaderMap::new(), Body::empty())
}

/// A target's response must neither speak for the gateway's origin nor run within it in a browser.
fn client_response(status: StatusCode, mut headers: HeaderMap, body: Body) -> Response {
    strip_origin_headers(&mut headers);
    headers.remove(RENEWED_TOKEN);
    headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(FromUpstream);
    response
}

fn outcome_of(status: StatusCode) -> CallOutcome {
    if status.is_client_error() {
        CallOutcome::RefusedByTarget(status.as_u16())
    } else {
        CallOutcome::Answered
    }
}

fn too_large(max_bytes: usize) -> Failure {
    let message = format!("The target's answer is larger than the {max_bytes} bytes that can be transformed.");
    Failure::new(ErrorCategory::Transformation, message)
}

/// The input of the transformation: the body for a mapping, the whole response for a script.
fn transformation_input(headers: &HeaderMap, body: &Bytes, status: StatusCode, is_script: bool) -> Result<Payload, CallFailure> {
    if headers.contains_key(CONTENT_ENCODING) {
        let message = "The target's answer is compressed though it was asked not to be, and cannot be transformed.";
        return Err(CallFailure::failed(Failure::new(ErrorCategory::Transformation, message)));
    }
    if is_script {
        return Ok(envelope::script_input(headers, body, status));
    }
    Payload::parse(body.clone()).map_err(|error| {
        let message = format!("The target's answer is not valid JSON and cannot be mapped: {error}.");
        CallFailure::failed(Failure::new(ErrorCategory::Transformation, message))
    })
}
