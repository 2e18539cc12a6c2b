//! What operators see of a delivery: one trace, metrics with bounded labels, and no secrets.

use std::collections::{BTreeSet, HashMap};

use ig_service::{Context, Stop, TaskKind};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use rustix::process::Signal;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup, setup_with};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const WRITER: &str = "00f067aa0ba902b7";
const SECRET: &str = "hunter2-of-the-tests-f3b1c9";

/// Collects exported spans.
struct Collector(UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        // A test that has seen enough no longer listens.
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A stack whose worker exports its spans.
struct Traced {
    setup: Setup,
    exported: UnboundedReceiver<ExportTraceServiceRequest>,
    _context: Context,
}

impl Traced {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (sender, exported) = unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(Collector(sender)))
            .serve_with_incoming(TcpIncoming::from(listener));
        let context = Context::new("collector", &Stop::new());
        context.spawn("collector", TaskKind::RunsUntilShutdown, async move {
            serving.await.expect("served");
        });
        let exporting = ("IG__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str());
        let all: Vec<_> = settings.iter().copied().chain([exporting]).collect();
        Self {
            setup: setup_with(&all).await,
            exported,
            _context: context,
        }
    }

    /// Stops the worker, which exports its remaining spans, and returns all exports.
    async fn exported(&mut self) -> Vec<ExportTraceServiceRequest> {
        self.setup.worker.signal(Signal::TERM);
        assert!(self.setup.worker.ended().await.success());
        std::iter::from_fn(|| self.exported.try_recv().ok()).collect()
    }
}

fn spans(exported: Vec<ExportTraceServiceRequest>) -> Vec<Span> {
    let resources = exported.into_iter().flat_map(|request| request.resource_spans);
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

/// The spans with a name, in order of their start.
fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    let mut found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    found.sort_by_key(|span| span.start_time_unix_nano);
    found
}

async fn is_logged(api: &Api) -> serde_json::Value {
    eventually("the delivery is logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == 1
    })
    .await;
    api.list(ORG, "logs", "logs", "").await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_with_a_trace_is_delivered_within_that_trace() {
    let mut traced = Traced::start(&[("IG__SOURCES__MYSQL__COLUMNS__TRACEPARENT", "traceparent")]).await;
    let setup = &traced.setup;
    setup.receiver.script("/hook", [Answer::status(500), Answer::status(200)]);
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    let row = QueueRow::new(ORG, "lab").trace_parent(&format!("00-{TRACE}-{WRITER}-01"));
    setup.queue.insert(row).await;
    assert_eq!(is_logged(api).await["traceId"], TRACE);
    let received = setup.receiver.requests();
    let told: Vec<_> = received.iter().filter_map(|request| request.header("traceparent")).collect();

    let told: Vec<String> = told.into_iter().map(ToOwned::to_owned).collect();
    let spans = spans(traced.exported().await);
    let of_trace: Vec<Span> = spans
        .into_iter()
        .filter(|span| hex::encode(&span.trace_id) == TRACE)
        .collect();
    let [event] = named(&of_trace, "ig.event")[..] else {
        panic!("{of_trace:?}")
    };
    let [delivery] = named(&of_trace, "ig.delivery")[..] else {
        panic!("{of_trace:?}")
    };
    let [transform] = named(&of_trace, "ig.transform")[..] else {
        panic!("{of_trace:?}")
    };
    let attempts = named(&of_trace, "ig.attempt");
    assert_eq!(hex::encode(&event.parent_span_id), WRITER);
    assert_eq!(delivery.parent_span_id, event.span_id);
    assert_eq!(transform.parent_span_id, delivery.span_id);
    assert!(
        attempts.iter().all(|attempt| attempt.parent_span_id == delivery.span_id),
        "{attempts:?}"
    );
    let attempts: Vec<_> = attempts
        .iter()
        .map(|attempt| format!("00-{TRACE}-{}-01", hex::encode(&attempt.span_id)))
        .collect();
    assert_eq!((told.len(), told), (2, attempts));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_fixed_names_and_no_labels_that_a_tenant_can_grow() {
    let setup = setup().await;
    setup.receiver.script("/hook", [Answer::status(500)]);
    let api = &setup.stack.api;
    let id = api
        .integration(ORG, "type-of-a-tenant", &setup.receiver.url("/hook"), json!({}))
        .await;
    setup.queue.insert(QueueRow::new(ORG, "type-of-a-tenant")).await;
    setup.queue.insert(QueueRow::new(ORG, "another-type")).await;
    is_logged(api).await;
    // Gauges are updated periodically.
    eventually("the gauges are set", async || {
        setup.worker.metrics().await.contains("ig_lanes_active")
    })
    .await;

    let metrics = setup.worker.metrics().await;
    for name in [
        "ig_source_lag_rows{source=\"",
        "ig_source_lag_seconds{source=\"",
        "ig_source_poll_duration_seconds_count{source=\"",
        "ig_source_poll_rows_count{source=\"",
        "ig_deliveries_total{status=\"SUCCESS\",error_category=\"NONE\"} 1",
        "http_client_request_duration_seconds_count{outcome=\"SERVER_ERROR\"} 1",
        "http_client_request_duration_seconds_count{outcome=\"SUCCESS\"} 1",
        "ig_lanes_active ",
        "ig_events_in_flight ",
        "ig_partitions_held ",
        "ig_payload_memory_bytes ",
        "ig_journal_group_entries_count ",
        "ig_journal_write_duration_seconds_count ",
        "db_client_operation_duration_seconds_count{db_operation_name=\"insert\",db_collection_name=\"delivery_logs\"} ",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    for decision in ["MATCHED", "NO_MATCH"] {
        let decided = format!("decision=\"{decision}\"}} 1");
        let counted = |line: &str| line.starts_with("ig_events_total{") && line.ends_with(&decided);
        assert!(metrics.lines().any(counted), "{decided} in {metrics}");
    }
    let bounded = [
        "db_client_connection_pool_name",
        "db_client_connection_state",
        "db_collection_name",
        "db_operation_name",
        "decision",
        "error_category",
        "le",
        "outcome",
        "rpc_method",
        "rpc_response_status_code",
        "source",
        "status",
    ];
    let used: BTreeSet<_> = metrics.lines().flat_map(labels).collect();
    assert!(used.is_subset(&bounded.into()), "{used:?}");
    for grown in [id.as_str(), "type-of-a-tenant", "another-type", "/hook"] {
        assert!(!metrics.contains(grown), "{grown} in {metrics}");
    }
}

/// The label names of a sample.
fn labels(line: &str) -> Vec<&str> {
    let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
    let labels = labels.map_or("", |(labels, _)| labels);
    labels
        .split(',')
        .filter_map(|label| label.split_once('='))
        .map(|(name, _)| name)
        .collect()
}

/// The API's responses about an organisation, by route.
async fn told(api: &Api) -> HashMap<String, String> {
    let mut routes = Vec::new();
    for (resource, plural) in [
        ("outbound-integrations", "integrations"),
        ("logs", "logs"),
        ("execution-logs", "executionLogs"),
        ("dlq", "entries"),
        ("events", "events"),
    ] {
        routes.push(format!("/{resource}?orgId={ORG}"));
        let body = api.get(&format!("/{resource}?orgId={ORG}")).await;
        let items = body[plural].as_array().unwrap_or_else(|| panic!("{plural} in {body}"));
        let ids = items.iter().filter_map(|item| item["id"].as_str());
        routes.extend(ids.map(|id| format!("/{resource}/{id}?orgId={ORG}")));
    }
    let mut told = HashMap::new();
    for route in routes {
        let answer = api.call(http::Method::GET, &route, None).await;
        told.insert(route, answer.body.to_string());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_secret_is_sent_and_appears_nowhere_else() {
    let mut traced = Traced::start(&[("IG__TELEMETRY__LOG", "trace")]).await;
    let setup = &traced.setup;
    let echo = format!("{{\"error\": \"no such token: {SECRET}\"}}");
    let refusal = Answer::status(400).header("x-echo", SECRET).body(echo);
    setup.receiver.always("/hook", refusal);
    let auth = json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": SECRET}});
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), auth).await;
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;
    is_logged(api).await;
    eventually("the trace is kept", async || {
        !api.list(ORG, "execution-logs", "executionLogs", "").await.is_empty()
    })
    .await;
    let bearer = format!("Bearer {SECRET}");
    assert_eq!(setup.receiver.requests()[0].header("authorization"), Some(bearer.as_str()));

    let told = told(api).await;
    assert!(told.len() >= 9, "five lists, and what is in four of them: {:?}", told.keys());
    for (route, body) in told {
        assert!(!body.contains(SECRET), "{route}: {body}");
    }
    assert!(!setup.worker.metrics().await.contains(SECRET));
    assert!(!setup.stack.gateway.said().contains(SECRET));
    let exported = traced.exported().await;
    assert!(!exported.is_empty(), "spans were exported");
    assert!(!format!("{exported:?}").contains(SECRET));
    let said = traced.setup.worker.said();
    assert!(said.contains("shutdown requested"), "{said}");
    assert!(!said.contains(SECRET), "{said}");
}
