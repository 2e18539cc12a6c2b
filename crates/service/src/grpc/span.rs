//! One span and one duration measurement around each call.

use axum::{extract::Request, middleware::Next, response::Response};
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::{Instrument, Span, field::Empty};

use crate::telemetry::{
    TraceContext,
    names::{
        LABEL_RPC_METHOD, LABEL_RPC_STATUS, OTEL_KIND, OTEL_NAME, OTEL_STATUS, RPC_METHOD, RPC_SERVER_CALL_DURATION, RPC_STATUS,
        RPC_SYSTEM,
    },
};

/// The label of an unimplemented method: callers choose paths, and label values must stay bounded.
const OTHER_METHOD: &str = "_OTHER";

pub(super) async fn measure(request: Request, next: Next) -> Response {
    let method = request.uri().path().trim_start_matches('/').to_owned();
    let span = tracing::info_span!(
        "rpc",
        { OTEL_NAME } = method,
        { OTEL_KIND } = "server",
        { RPC_SYSTEM } = "grpc",
        { RPC_METHOD } = method,
        { RPC_STATUS } = Empty,
        { OTEL_STATUS } = Empty,
    );
    if let Some(caller) = TraceContext::extract(request.headers()) {
        caller.adopt(&span);
    }
    let start = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    record_call(&span, method, start, status_code(&response));
    response
}

/// An error carries its status in the headers; a response that continues with a body counts as OK.
fn status_code(response: &Response) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

fn record_call(span: &Span, method: String, start: Instant, code: Code) {
    let status = status_name(code);
    span.record(RPC_STATUS, status);
    if is_server_fault(code) {
        span.record(OTEL_STATUS, "ERROR");
    }
    let method = if code == Code::Unimplemented {
        OTHER_METHOD.to_owned()
    } else {
        method
    };
    metrics::histogram!(RPC_SERVER_CALL_DURATION, LABEL_RPC_METHOD => method, LABEL_RPC_STATUS => status)
        .record(start.elapsed().as_secs_f64());
}

/// The codes that OpenTelemetry's conventions count as server errors.
fn is_server_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(
        code,
        Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss
    )
}

fn status_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
