//! The six services as processes: how they start, authenticate and stop.

use std::time::{Duration, Instant};

use ig_proto::v1;
use ig_proto::v1::job_service_client::JobServiceClient;
use ig_service::config::{GrpcConfig, Secret};
use ig_service::grpc::{Client, channel};
use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use rustix::process::Signal;
use serde_json::json;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::setup::{ORG, setup};
use crate::stack::{Process, Stack, port};

const SERVICES: [&str; 6] = [
    "ig-api-gateway",
    "ig-delivery-worker",
    "ig-scheduler",
    "ig-dlq-retrier",
    "ig-job-runner",
    "ig-alerter",
];
const TOKEN: &str = "token-of-the-tests-0123456789";

/// The databases and a gateway that each service runs with.
struct Ground {
    stack: Stack,
    queue: TestQueue,
    _mongo: TestDatabase,
}

impl Ground {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let mongo = ig_testkit::mongo::database();
        Self {
            stack: Stack::start_with(&mongo, settings).await,
            queue: ig_testkit::mysql::database().await,
            _mongo: mongo,
        }
    }

    /// Starts a service with this gRPC address, without waiting for it.
    fn spawn(&self, name: &'static str, grpc: &str) -> Process {
        let http = format!("127.0.0.1:{}", port());
        let listen = ("IG__GRPC__LISTEN", grpc);
        match name {
            "ig-delivery-worker" => self.stack.spawn_worker(&self.queue.url, &[listen]),
            "ig-api-gateway" => self.stack.spawn_service(name, &[listen, ("IG__HTTP__LISTEN", &http)]),
            _ => self.stack.spawn_service(name, &[listen]),
        }
    }

    /// Starts a service and waits until it is ready. Returns its gRPC address.
    async fn start(&self, name: &'static str) -> (Process, String) {
        let grpc = format!("127.0.0.1:{}", port());
        let process = self.spawn(name, &grpc);
        process.wait_until_ready().await;
        (process, grpc)
    }
}

fn client(grpc: &str, token: Option<&str>) -> Client {
    let config = GrpcConfig {
        token: token.map(Secret::new),
        ..GrpcConfig::default()
    };
    channel(grpc, &config).expect("a channel")
}

async fn health(grpc: &str) -> Option<ServingStatus> {
    let mut probe = HealthClient::new(client(grpc, None));
    let answer = probe.check(HealthCheckRequest::default()).await;
    Some(answer.ok()?.into_inner().status())
}

/// The answer to an empty request to job-runner, which the other services do not serve.
async fn call_job_runner(client: Client) -> Code {
    let mut jobs = JobServiceClient::new(client);
    let refused = jobs.run_now(v1::RunNowRequest::default()).await.err();
    refused.map_or(Code::Ok, |status| status.code())
}

fn answer_of(name: &str) -> Code {
    if name == "ig-job-runner" {
        Code::InvalidArgument
    } else {
        Code::Unimplemented
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_answers_probes_and_reports_unserved_methods() {
    let ground = Ground::new(&[]).await;
    for name in SERVICES {
        let (process, grpc) = ground.start(name).await;
        assert_eq!(process.probe("/livez").await, Some(200), "{name}");
        eventually(name, async || health(&grpc).await == Some(ServingStatus::Serving)).await;
        let code = call_job_runner(client(&grpc, None)).await;
        assert_eq!(code, answer_of(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_admits_only_callers_with_the_token() {
    let ground = Ground::new(&[("IG__GRPC__TOKEN", TOKEN)]).await;
    for name in SERVICES {
        let (process, grpc) = ground.start(name).await;
        for token in [
            None,
            Some("token-of-somebody-else-0123456"),
            Some("token-of-the-tests-012345678"),
        ] {
            let code = call_job_runner(client(&grpc, token)).await;
            assert_eq!(code, Code::Unauthenticated, "{name} with {token:?}");
        }
        let code = call_job_runner(client(&grpc, Some(TOKEN))).await;
        assert_eq!(code, answer_of(name), "{name}");
        assert_eq!(health(&grpc).await, Some(ServingStatus::Serving), "{name} tells probes");
        assert!(!process.said().contains(TOKEN), "{name} told the token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_refuses_to_listen_publicly_without_credentials() {
    let ground = Ground::new(&[]).await;
    for name in SERVICES {
        let mut process = ground.spawn(name, &format!("0.0.0.0:{}", port()));
        assert!(!process.ended().await.success(), "{name}");
        let said = process.said();
        for word in ["refusing to serve gRPC without credentials", "grpc.token", "grpc.tls"] {
            assert!(said.contains(word), "{word} in what {name} said: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_shuts_down_cleanly_on_a_signal() {
    let ground = Ground::new(&[]).await;
    for name in SERVICES {
        let (mut process, grpc) = ground.start(name).await;
        process.signal(Signal::TERM);
        let status = process.ended().await;
        assert_eq!(status.code(), Some(0), "{name}: {}", process.said());
        assert_eq!(health(&grpc).await, None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_worker_is_not_ready_and_a_second_signal_ends_it_at_once() {
    const AT_ONCE: Duration = Duration::from_secs(15);
    let mut setup = setup().await;
    setup.receiver.always("/hook", Answer::hang());
    let url = setup.receiver.url("/hook");
    let patient = json!({"timeoutMs": 120_000});
    setup.stack.api.integration(ORG, "lab", &url, patient).await;
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;
    setup.receiver.wait_for(1).await;

    setup.worker.signal(Signal::TERM);
    eventually("it is not ready", async || setup.worker.probe("/readyz").await == Some(503)).await;
    let insisted = Instant::now();
    setup.worker.signal(Signal::TERM);
    assert_eq!(setup.worker.ended().await.code(), Some(1));
    assert!(insisted.elapsed() < AT_ONCE, "the grace is 30 s: {:?}", insisted.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_worker_finishes_its_deliveries_in_flight() {
    let mut setup = setup().await;
    let answer = Answer::status(200).after(Duration::from_secs(2));
    setup.receiver.always("/hook", answer);
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;
    setup.receiver.wait_for(1).await;

    setup.worker.signal(Signal::TERM);
    assert_eq!(setup.worker.ended().await.code(), Some(0));
    let logs = api.list(ORG, "logs", "logs", "").await;
    assert_eq!((logs.len(), &logs[0]["status"]), (1, &json!("SUCCESS")));
    assert_eq!(setup.receiver.count(), 1);
}
