//! Spans arrive at a collector in the right trace.

use std::time::Duration;

use ig_service::{
    Context, Process, ServiceHost, Stop, TraceContext,
    config::{GrpcConfig, ShutdownConfig, TelemetryConfig},
    grpc::channel,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    trace::v1::{ResourceSpans, Span},
};
use tracing::Instrument;

use crate::{
    collector::{Arrived, Collector},
    fixture::within,
};

const PROCESS: Process = Process {
    name: "exporting",
    version: "1.2.3",
    known_sections: &[],
};
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

fn all(arrived: &mut Arrived) -> Vec<ResourceSpans> {
    let requests = std::iter::from_fn(|| arrived.try_recv().ok());
    requests.flat_map(|request| request.into_inner().resource_spans).collect()
}

fn named(batches: &[ResourceSpans], name: &str) -> Span {
    let spans = batches
        .iter()
        .flat_map(|batch| &batch.scope_spans)
        .flat_map(|scope| &scope.spans);
    spans
        .into_iter()
        .find(|span| span.name == name)
        .cloned()
        .unwrap_or_else(|| panic!("no span {name}: {batches:?}"))
}

/// Makes a call within a span that continues a remote trace.
async fn work(target: &str) {
    let span = tracing::info_span!("work");
    TraceContext::parse(&format!("00-{TRACE}-{CALLER}-01"))
        .expect("valid")
        .adopt(&span);
    let client = channel(target, &GrpcConfig::default()).expect("a channel");
    let call = async {
        assert_eq!(TraceContext::current().expect("within a span").trace_id(), TRACE);
        TraceServiceClient::new(client)
            .export(ExportTraceServiceRequest::default())
            .await
            .expect("answered");
    };
    call.instrument(span).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn span_continues_a_traceparent_and_a_call_continues_the_span() {
    let others = Context::new("others", &Stop::new());
    let (collector, mut exported) = Collector::stand_alone(&others).await;
    // The log filter must not filter traces.
    let telemetry = TelemetryConfig {
        log: "warn".to_owned(),
        otlp_endpoint: Some(format!("http://{collector}")),
        ..TelemetryConfig::default()
    };
    let host = ServiceHost::start(PROCESS, &telemetry, &ShutdownConfig::default()).expect("started");
    let (services, mut calls) = Collector::services();
    let callee = others.serve_grpc(&GrpcConfig::default(), services).await.expect("served");

    work(&callee.to_string()).await;
    let callee_context = TraceContext::extract_metadata(calls.recv().await.expect("called").metadata()).expect("a traceparent");
    assert_eq!(callee_context.trace_id(), TRACE);
    host.stop().request();
    within("the flush", host.wait()).await;

    let batches = all(&mut exported);
    let work = named(&batches, "work");
    assert_eq!(
        (hex(&work.trace_id), hex(&work.parent_span_id)),
        (TRACE.to_owned(), CALLER.to_owned())
    );
    assert_eq!(hex(&work.span_id), callee_context.span_id());
    let rpc = named(&batches, "opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert_eq!((rpc.trace_id, rpc.parent_span_id), (work.trace_id, work.span_id));
    let attributes = &batches[0].resource.as_ref().expect("a resource").attributes;
    for key in ["service.name", "service.version", "service.instance.id"] {
        assert!(
            attributes.iter().any(|attribute| attribute.key == key),
            "{key}: {attributes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_that_is_down_does_not_delay_the_exit() {
    let telemetry = TelemetryConfig {
        otlp_endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..TelemetryConfig::default()
    };
    let host = ServiceHost::start(PROCESS, &telemetry, &ShutdownConfig::default()).expect("started all the same");
    tracing::info_span!("work").in_scope(|| ());
    host.stop().request();
    tokio::time::timeout(Duration::from_secs(15), host.wait())
        .await
        .expect("the flush gives up");
}
