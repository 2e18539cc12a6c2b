//! Trace context without an exporter.

use http::HeaderMap;
use ig_service::TraceContext;
use tonic::metadata::MetadataMap;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn traceparent_survives_a_round_trip() {
    let context = TraceContext::parse(TRACEPARENT).expect("valid");
    assert_eq!(context.traceparent(), TRACEPARENT);
    assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let (mut headers, mut metadata) = (HeaderMap::new(), MetadataMap::new());
    context.inject(&mut headers);
    context.inject_metadata(&mut metadata);
    assert_eq!(headers["traceparent"], TRACEPARENT);
    assert!(!headers.contains_key("tracestate"));
    assert_eq!(
        TraceContext::extract_metadata(&metadata).expect("valid").traceparent(),
        TRACEPARENT
    );
}

#[test]
fn traceparent_that_is_invalid_is_none() {
    for text in [
        "",
        "00",
        "\n",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "nonsense",
    ] {
        assert!(TraceContext::parse(text).is_none(), "{text:?}");
    }
}

#[test]
fn generated_trace_context_is_valid_and_its_child_has_the_same_trace() {
    let root = TraceContext::generate();
    assert!(TraceContext::parse(&root.traceparent()).is_some());
    let child = root.child();
    assert_eq!(child.trace_id(), root.trace_id());
    assert_ne!(child.span_id(), root.span_id());
    assert_ne!(TraceContext::generate().trace_id(), root.trace_id());
}
