//! Calls between services: credentials, deadlines, trace context, health, reconnecting.

use std::{net::SocketAddr, time::Duration};

use ig_service::{
    Context, Stop,
    config::{GrpcConfig, Secret},
    grpc::{Client, Fleet, GrpcError, channel},
};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

use crate::{
    collector::{Arrived, Collector},
    fixture::{PATIENCE, until},
};

fn context() -> Context {
    Context::new("service", &Stop::new())
}

fn with_token(token: &str) -> GrpcConfig {
    GrpcConfig {
        token: Some(Secret::new(token)),
        ..GrpcConfig::default()
    }
}

async fn serve(context: &Context, config: &GrpcConfig) -> (String, Arrived) {
    let (services, arrived) = Collector::services();
    let address = context.serve_grpc(config, services).await.expect("served");
    (address.to_string(), arrived)
}

async fn call(client: Client) -> Result<(), Status> {
    TraceServiceClient::new(client)
        .export(ExportTraceServiceRequest::default())
        .await
        .map(drop)
}

pub(crate) async fn health(client: Client) -> Result<ServingStatus, Status> {
    let answer = HealthClient::new(client).check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn server_without_credentials_serves_on_loopback_alone() {
    let context = context();
    let (target, _arrived) = serve(&context, &GrpcConfig::default()).await;
    call(channel(&target, &GrpcConfig::default()).expect("a channel"))
        .await
        .expect("answered");

    let open = GrpcConfig {
        listen: "0.0.0.0:0".parse().expect("an address"),
        ..GrpcConfig::default()
    };
    let error = context.serve_grpc(&open, Collector::services().0).await.expect_err("refused");
    assert!(matches!(error, GrpcError::Unprotected(_)), "{error}");
    assert!(error.to_string().contains("grpc.token"), "{error}");
    let guarded = GrpcConfig {
        token: Some(Secret::new("s3cret")),
        ..open
    };
    context
        .serve_grpc(&guarded, Collector::services().0)
        .await
        .expect("served with a token");
}

#[tokio::test]
async fn token_is_required_of_every_call_but_a_health_check() {
    let context = context();
    let (target, mut arrived) = serve(&context, &with_token("s3cret")).await;
    call(channel(&target, &with_token("s3cret")).expect("a channel"))
        .await
        .expect("answered");
    arrived.try_recv().expect("it arrived");
    for config in [
        GrpcConfig::default(),
        with_token("s3cre"),
        with_token("s3cret "),
        with_token("S3cret"),
    ] {
        let client = channel(&target, &config).expect("a channel");
        let refused = call(client.clone()).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(health(client).await.expect("let in"), ServingStatus::Serving);
    }
    arrived.try_recv().expect_err("nothing else arrived");
}

async fn reflected(client: Client) -> Result<Vec<String>, Status> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = tonic::codegen::tokio_stream::once(request);
    let mut answers = ServerReflectionClient::new(client)
        .server_reflection_info(requests)
        .await?
        .into_inner();
    let answer = answers.message().await?.and_then(|answer| answer.message_response);
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("another answer: {answer:?}")
    };
    Ok(list.service.into_iter().map(|service| service.name).collect())
}

#[tokio::test]
async fn reflection_lists_services_to_authenticated_callers() {
    let context = context();
    let (target, _arrived) = serve(&context, &with_token("s3cret")).await;
    let names = reflected(channel(&target, &with_token("s3cret")).expect("a channel"))
        .await
        .expect("told");
    assert!(names.contains(&"grpc.health.v1.Health".to_owned()), "{names:?}");
    let refused = reflected(channel(&target, &GrpcConfig::default()).expect("a channel"))
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn health_service_follows_readiness() {
    let context = context();
    let (target, _arrived) = serve(&context, &GrpcConfig::default()).await;
    let client = channel(&target, &GrpcConfig::default()).expect("a channel");
    let hold = context.readiness().hold("database");
    let answers = |status| {
        let client = client.clone();
        move || {
            let client = client.clone();
            async move { health(client).await.is_ok_and(|now| now == status) }
        }
    };
    until("it is not serving", answers(ServingStatus::NotServing)).await;
    hold.release();
    until("it is serving", answers(ServingStatus::Serving)).await;
}

#[tokio::test]
async fn call_carries_a_traceparent_and_a_default_deadline() {
    let context = context();
    let (target, mut arrived) = serve(&context, &GrpcConfig::default()).await;
    let client = channel(&target, &GrpcConfig::default()).expect("a channel");
    call(client.clone()).await.expect("answered");
    let metadata = arrived.recv().await.expect("arrived").into_parts().0;
    assert_eq!(metadata.get("grpc-timeout").expect("a deadline"), "10000m");
    assert!(ig_service::TraceContext::extract_metadata(&metadata).is_some());

    let mut request = Request::new(ExportTraceServiceRequest::default());
    request.set_timeout(Duration::from_secs(7));
    TraceServiceClient::new(client).export(request).await.expect("answered");
    let metadata = arrived.recv().await.expect("arrived").into_parts().0;
    assert_eq!(metadata.get("grpc-timeout").expect("a deadline"), "7000000u");
}

#[tokio::test]
async fn call_that_takes_too_long_ends_as_deadline_exceeded() {
    let context = context();
    let (services, _arrived) = Collector::behind(&CancellationToken::new());
    let address = context.serve_grpc(&GrpcConfig::default(), services).await.expect("served");
    let hasty = GrpcConfig {
        deadline_ms: 100,
        ..GrpcConfig::default()
    };
    let late = call(channel(&address.to_string(), &hasty).expect("a channel"))
        .await
        .expect_err("late");
    assert_eq!(late.code(), Code::DeadlineExceeded, "{late}");
}

#[tokio::test]
async fn drain_answers_the_calls_in_flight_before_it_closes() {
    let (context, gate) = (context(), CancellationToken::new());
    let (services, mut arrived) = Collector::behind(&gate);
    let address = context.serve_grpc(&GrpcConfig::default(), services).await.expect("served");
    let client = channel(&address.to_string(), &GrpcConfig::default()).expect("a channel");
    let drain = async {
        arrived.recv().await.expect("arrived");
        context.drain(PATIENCE).await
    };
    let open = async {
        context.stopping().cancelled().await;
        gate.cancel();
    };
    let (answer, drained, ()) = tokio::join!(call(client.clone()), drain, open);
    answer.expect("answered");
    drained.expect("in order");
    assert_eq!(call(client).await.expect_err("closed").code(), Code::Unavailable);
}

#[tokio::test]
async fn drain_aborts_and_reports_calls_that_outlast_the_grace() {
    let context = context();
    let (services, mut arrived) = Collector::behind(&CancellationToken::new());
    let address = context.serve_grpc(&GrpcConfig::default(), services).await.expect("served");
    let client = channel(&address.to_string(), &GrpcConfig::default()).expect("a channel");
    let drain = async {
        arrived.recv().await.expect("arrived");
        context.drain(Duration::from_millis(1)).await
    };
    let (answer, drained) = tokio::join!(call(client), drain);
    assert_eq!(answer.expect_err("cut off").code(), Code::Unavailable);
    assert_eq!(drained.expect_err("cut off"), ["1 gRPC calls"]);
}

#[tokio::test]
async fn grpc_port_error_names_the_number_and_the_key() {
    let context = context();
    let (target, _arrived) = serve(&context, &GrpcConfig::default()).await;
    let address: SocketAddr = target.parse().expect("an address");
    let config = GrpcConfig {
        listen: address,
        ..GrpcConfig::default()
    };
    let error = context
        .serve_grpc(&config, Collector::services().0)
        .await
        .expect_err("taken")
        .to_string();
    assert!(
        error.contains(&address.port().to_string()) && error.contains("grpc.listen"),
        "{error}"
    );
}

#[test]
fn target_without_host_and_port_is_an_error() {
    for target in ["", "host", ":5000", "host:port", "http://host"] {
        assert!(
            matches!(channel(target, &GrpcConfig::default()), Err(GrpcError::Target(_))),
            "{target}"
        );
    }
}

#[tokio::test]
async fn fleet_calls_every_replica_and_reconnects_after_a_restart() {
    let first = context();
    let (target, mut arrived) = serve(&first, &GrpcConfig::default()).await;
    let fleet = Fleet::new(&target, &GrpcConfig::default()).expect("a fleet");
    let answers = fleet.on_each(call).await.expect("resolved");
    assert_eq!(answers.len(), 1);
    assert!(answers[0].1.is_ok());
    arrived.recv().await.expect("arrived");

    first.drain(PATIENCE).await.expect("drained");
    let answers = fleet.on_each(call).await.expect("resolved");
    assert_eq!(answers[0].1.as_ref().expect_err("away").code(), Code::Unavailable);

    let config = GrpcConfig {
        listen: target.parse().expect("an address"),
        ..GrpcConfig::default()
    };
    let second = context();
    serve(&second, &config).await;
    until("it is found again", || async {
        fleet.on_each(call).await.expect("resolved")[0].1.is_ok()
    })
    .await;
}
