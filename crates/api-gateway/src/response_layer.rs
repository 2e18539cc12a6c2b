//! The outermost layer of the HTTP edge: every response gets a request id, every error the same shape.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, Utc};
use futures::FutureExt;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ig_core::id::OrgId;
use ig_service::TraceContext;
use serde::Serialize;
use tracing::Instrument;
use utoipa::ToSchema;

use crate::error::{ApiError, Detail, ErrorCode};
use crate::response_extras::ResponseExtras;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Runtime calls have timeouts of their own.
const RUNTIME_PREFIX: &str = "/api/v1/integrations/";
const REQUEST_DURATION: &str = "http_server_request_duration_seconds";

/// Marks a response from an outside API: it goes out unchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FromUpstream;

/// The request id, as in `X-Request-Id`.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub String);

/// The body of every error response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    /// What went wrong, for people.
    error: String,
    /// The error code, for programs.
    code: ErrorCode,
    /// The HTTP status.
    status_code: u16,
    /// When the error happened, in UTC.
    timestamp: String,
    /// The request id, as in `X-Request-Id`.
    request_id: String,
    /// The individual faults, when there are several or when each has a place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// Runs a request within `limit`, catches a panic, and brings the response into its final form.
pub(crate) async fn finish<F>(limit: Duration, mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = method_label(&request);
    let route = route_label(&request);
    let span = tracing::info_span!(
        "http.request",
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        ig.request_id = id
    );
    if let Some(caller) = TraceContext::extract(request.headers()) {
        caller.adopt(&span);
    }
    let extras = ResponseExtras::default();
    request.extensions_mut().insert(extras.clone());
    request.extensions_mut().insert(RequestId(id.clone()));
    let limit = (!route.starts_with(RUNTIME_PREFIX)).then_some(limit);
    let mut response = render_errors(run_within(next(request), limit).instrument(span.clone()).await, &id);
    let notes = extras.take();
    if response.extensions().get::<FromUpstream>().is_none() {
        add_security_headers(response.headers_mut());
    }
    response.headers_mut().extend(notes.headers);
    span.in_scope(|| write_access_log(response.status(), notes.caller.as_deref(), notes.org, started.elapsed()));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16().to_string();
    metrics::histogram!(REQUEST_DURATION, "http_request_method" => method, "http_route" => route, "http_response_status_code" => status)
        .record(started.elapsed().as_secs_f64());
    response
}

/// Default security headers of every response: no sniffing, no framing, no caching.
fn add_security_headers(headers: &mut HeaderMap) {
    const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Writes the access log: one line per request, within its span.
fn write_access_log(status: StatusCode, caller: Option<&str>, org: Option<OrgId>, took: Duration) {
    tracing::info!(
        http.response.status_code = status.as_u16(),
        ig.caller = caller,
        ig.org_id = org.map(|org| org.0),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
}

async fn run_within(handler: impl Future<Output = Response>, limit: Option<Duration>) -> Response {
    let handler = AssertUnwindSafe(handler).catch_unwind();
    let result = match limit {
        Some(limit) => tokio::time::timeout(limit, handler).await,
        None => Ok(handler.await),
    };
    match result {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!("a request's handler panicked");
            ApiError::internal().into_response()
        }
        Err(_elapsed) => ApiError::unavailable("It took too long, please try again").into_response(),
    }
}

/// The client's own request id if it is fit for logs and headers, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let fit = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    given
        .filter(fit)
        .map_or_else(|| format!("req_{:032x}", rand::random::<u128>()), str::to_owned)
}

/// Callers choose methods, but metric labels must be bounded.
fn method_label(request: &Request) -> &'static str {
    const KNOWN_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let given = request.method().as_str();
    KNOWN_METHODS.into_iter().find(|known| *known == given).unwrap_or("_OTHER")
}

fn route_label(request: &Request) -> String {
    let matched = request.extensions().get::<MatchedPath>();
    matched.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned())
}

fn render_errors(mut response: Response, id: &str) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        return render_error(&response, error, id);
    }
    if response.extensions().get::<FromUpstream>().is_some() {
        return response;
    }
    match framework_error(response.status()) {
        Some(error) => render_error(&response, error, id),
        None => response,
    }
}

/// The error for a response that the framework produced by itself.
fn framework_error(status: StatusCode) -> Option<ApiError> {
    if status.is_server_error() {
        return Some(ApiError::internal());
    }
    status
        .is_client_error()
        .then(|| ApiError::new(ErrorCode::ValidationError, "The request cannot be understood"))
}

fn render_error(refused: &Response, error: ApiError, id: &str) -> Response {
    let ApiError {
        code,
        message,
        details,
        retry_after,
    } = error;
    let body = ErrorBody {
        error: message,
        code,
        status_code: code.status().as_u16(),
        timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        request_id: id.to_owned(),
        details,
    };
    let mut response = (code.status(), Json(body)).into_response();
    if code == ErrorCode::Unauthorized {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    for name in [http::header::ALLOW, ACCESS_CONTROL_ALLOW_ORIGIN] {
        if let Some(value) = refused.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::{Next, from_fn};
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(path: &str) -> (u16, Value) {
        let router = Router::new()
            .route("/panic", get(async || -> () { panic!("a secret of ours") }))
            .route("/hang", get(std::future::pending::<()>))
            .layer(from_fn(|request, next: Next| {
                finish(Duration::from_millis(50), request, |request| next.run(request))
            }));
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn panic_in_a_handler_is_an_error_in_shape_that_reveals_nothing() {
        let (status, body) = answer("/panic").await;
        assert_eq!((status, body["code"].as_str()), (500, Some("INTERNAL_ERROR")));
        assert!(!body.to_string().contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn hanging_handler_is_given_up() {
        let (status, body) = answer("/hang").await;
        assert_eq!((status, body["code"].as_str()), (503, Some("SERVICE_UNAVAILABLE")));
    }
}
