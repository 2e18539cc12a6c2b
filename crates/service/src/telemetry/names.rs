//! Names of metrics and span attributes: OpenTelemetry's, metrics in Prometheus form.

/// Histogram, seconds: how long a gRPC call took on the server.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc_server_call_duration_seconds";
/// Label: `package.Service/Method`.
pub const LABEL_RPC_METHOD: &str = "rpc_method";
/// Label: the gRPC status code by name.
pub const LABEL_RPC_STATUS: &str = "rpc_response_status_code";

/// Span attribute: the remote procedure system.
pub const RPC_SYSTEM: &str = "rpc.system.name";
/// Span attribute: `package.Service/Method`.
pub const RPC_METHOD: &str = "rpc.method";
/// Span attribute: the gRPC status code by name.
pub const RPC_STATUS: &str = "rpc.response.status_code";

/// Span attribute: the exported span name, where it is known only at run time.
pub const OTEL_NAME: &str = "otel.name";
/// Span attribute: the exported span kind: `server`, `client`, `producer` or `consumer`.
pub const OTEL_KIND: &str = "otel.kind";
/// Span attribute: the exported span status: `OK` or `ERROR`.
pub const OTEL_STATUS: &str = "otel.status_code";

/// Log field: the trace a line belongs to, 32 hex digits.
pub const TRACE_ID: &str = "trace_id";
/// Log field: the span a line belongs to, 16 hex digits.
pub const SPAN_ID: &str = "span_id";
