//! Answers a call: streams the target's response, or transforms it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::delivery_log::KeptBody;
use ig_core::event::Payload;
use ig_core::integration::Transformation;
use ig_core::outcome::{ErrorCategory, Failure};
use ig_delivery::{BodyCapture, ProxyResponse, strip_origin_headers};
use ig_transform::{CompiledShape, Transformer};

use super::call::Permits;
use super::described::describe_another;
use super::forwarding::Began;
use super::outcome::{CallFailure, CallOutcome};
use super::record::{CallRecord, MAX_LOGGED_BODY};
use super::recorded_body::{LoggedResponse, OnEnd, RecordedBody};
use super::routes::Route;
use super::shaping;
use crate::access::RENEWED_TOKEN;
use crate::answer::FromUpstream;

mod envelope;

/// The response as it streams in.
pub(super) fn streamed(mut answered: ProxyResponse, began: Began, record: CallRecord, permits: Permits) -> Response {
    let at_end = OnEnd {
        told: record.is_kept().then(|| LoggedResponse {
            keeping: BodyCapture::with_limit(record.keeps(MAX_LOGGED_BODY)),
            attempt: began.answered(&answered, None, None),
            mask: Box::new(answered.take_mask()),
        }),
        ending: ending(answered.status),
        record,
        began,
        permits,
    };
    passed_on(answered.status, answered.headers, RecordedBody::body(answered.body, at_end))
}

/// Whether to transform a response: it needs a body, and mappings apply to successful responses only.
pub(super) fn is_shaped(route: &Route, method: &Method, status: StatusCode) -> bool {
    let bodiless = method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let applies = match &route.integration.response {
        None => false,
        Some(Transformation::Script(_)) => true,
        Some(Transformation::Simple(_)) => status.is_success(),
    };
    applies && !bodiless
}

/// The transformed response.
pub(super) async fn shaped(
    transformer: &Transformer,
    (route, shape): (&Route, &CompiledShape),
    answered: ProxyResponse,
    began: Began,
    record: &mut CallRecord,
    most: usize,
) -> Result<Response, CallFailure> {
    let (status, headers, body) = whole(answered, began, record, most).await?;
    let is_script = matches!(route.integration.response, Some(Transformation::Script(_)));
    let payload = payload(&headers, &body, status, is_script)?;
    let output = shaping::answer(transformer, route, shape, &payload, record).await?;
    let answer = match output {
        None => envelope::Answer::empty(),
        Some(output) if is_script => envelope::read(output, status).map_err(CallFailure::failed)?,
        Some(output) => envelope::Answer::body(output, status),
    };
    record.close(ending(status), SystemClock.now());
    Ok(reshaped(answer, headers))
}

/// Reads a whole response and records the attempt.
async fn whole(
    mut answered: ProxyResponse,
    began: Began,
    record: &mut CallRecord,
    most: usize,
) -> Result<(StatusCode, HeaderMap, Bytes), CallFailure> {
    let mut attempt = began.answered(&answered, None, None);
    let mask = answered.take_mask();
    let (status, headers) = (answered.status, answered.headers);
    let taken = answered.body.collect_up_to(most).await;
    attempt.duration = began.elapsed();
    let kept = taken
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .filter(|_| record.keeps(MAX_LOGGED_BODY) > 0);
    attempt.response_body = kept.map(|body| KeptBody {
        truncated: body.len() > MAX_LOGGED_BODY,
        bytes: mask(body.slice(..body.len().min(MAX_LOGGED_BODY))),
    });
    attempt.failure = taken.as_ref().err().map(|broken| broken.0.clone());
    record.attempted(attempt);
    match taken {
        Ok(Some(body)) => Ok((status, headers, body)),
        Ok(None) => Err(CallFailure::failed(too_large(most))),
        Err(broken) => Err(CallFailure::failed(broken.0)),
    }
}

fn reshaped(answer: envelope::Answer, mut headers: HeaderMap) -> Response {
    describe_another(&mut headers);
    answer.set_headers(&mut headers);
    passed_on(answer.status, headers, Body::from(answer.body))
}

/// The response where there was nothing to send.
pub(super) fn nothing() -> Response {
    passed_on(StatusCode::NO_CONTENT, HeaderMap::new(), Body::empty())
}

/// A target's response must neither speak for the gateway's origin nor run within it in a browser.
fn passed_on(status: StatusCode, mut headers: HeaderMap, body: Body) -> Response {
    strip_origin_headers(&mut headers);
    headers.remove(RENEWED_TOKEN);
    headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(FromUpstream);
    response
}

fn ending(status: StatusCode) -> CallOutcome {
    if status.is_client_error() {
        CallOutcome::RefusedByTarget(status.as_u16())
    } else {
        CallOutcome::ProxyResponse
    }
}

fn too_large(most: usize) -> Failure {
    let message = format!("The target's answer is larger than the {most} bytes that can be transformed.");
    Failure::new(ErrorCategory::Transformation, message)
}

/// The input of the transformation: the body for a mapping, the whole response for a script.
fn payload(headers: &HeaderMap, body: &Bytes, status: StatusCode, is_script: bool) -> Result<Payload, CallFailure> {
    if headers.contains_key(CONTENT_ENCODING) {
        let message = "The target's answer is compressed though it was asked not to be, and cannot be transformed.";
        return Err(CallFailure::failed(Failure::new(ErrorCategory::Transformation, message)));
    }
    if is_script {
        return Ok(envelope::whole(headers, body, status));
    }
    Payload::parse(body.clone()).map_err(|error| {
        let message = format!("The target's answer is not valid JSON and cannot be mapped: {error}.");
        CallFailure::failed(Failure::new(ErrorCategory::Transformation, message))
    })
}
