//! Mutual TLS, checked by both sides.

use std::{fs, path::Path};

use ig_service::{
    Context, Stop,
    config::{GrpcConfig, Secret, TlsConfig},
    grpc::channel,
};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tonic::{
    Code, Status,
    transport::{Certificate, Channel, ClientTlsConfig},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::{collector::Collector, grpc::health};

/// An authority and one certificate for `localhost`, as files.
struct Authority {
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        write(&directory, "ca.pem", &params.self_signed(&key).expect("signed").pem());
        leaf(&directory, &Issuer::new(params, key));
        Self { directory }
    }

    fn config(&self) -> GrpcConfig {
        let file = |name| Some(self.directory.path().join(name));
        let tls = TlsConfig {
            cert_file: file("cert.pem"),
            key_file: file("key.pem"),
            ca_file: file("ca.pem"),
        };
        GrpcConfig {
            tls,
            ..GrpcConfig::default()
        }
    }
}

fn leaf(directory: &TempDir, issuer: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    write(directory, "cert.pem", &params.signed_by(&key, issuer).expect("signed").pem());
    write(directory, "key.pem", &key.serialize_pem());
}

fn write(directory: &TempDir, name: &str, text: &str) {
    fs::write(directory.path().join(name), text).expect("written");
}

async fn call(target: &str, config: &GrpcConfig) -> Result<(), Status> {
    let client = channel(target, config).expect("a channel");
    TraceServiceClient::new(client)
        .export(ExportTraceServiceRequest::default())
        .await
        .map(drop)
}

async fn served(config: &GrpcConfig) -> (Context, String) {
    let context = Context::new("service", &Stop::new());
    let address = context.serve_grpc(config, Collector::services().0).await.expect("served");
    (context, format!("localhost:{}", address.port()))
}

async fn without_certificate(target: &str, ca: &Path) -> Channel {
    let ca = Certificate::from_pem(fs::read(ca).expect("the authority"));
    let endpoint = Channel::from_shared(format!("https://{target}")).expect("an address");
    endpoint
        .tls_config(ClientTlsConfig::new().ca_certificate(ca))
        .expect("tls")
        .connect()
        .await
        .expect("connected")
}

#[tokio::test]
async fn certificates_of_one_authority_are_accepted_by_both_sides() {
    let ours = Authority::new();
    let (_context, target) = served(&ours.config()).await;
    call(&target, &ours.config()).await.expect("answered");
    health(channel(&target, &ours.config()).expect("a channel"))
        .await
        .expect("answered");
}

#[tokio::test]
async fn certificates_of_another_authority_are_refused_by_both_sides() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (_context, target) = served(&ours.config()).await;
    let mut stranger = theirs.config();
    assert_eq!(
        call(&target, &stranger).await.expect_err("a strange server").code(),
        Code::Unavailable
    );
    stranger.tls.ca_file = ours.config().tls.ca_file;
    assert!(
        call(&target, &stranger).await.is_err(),
        "a strange caller, though it trusts us"
    );
}

#[tokio::test]
async fn caller_without_certificate_can_only_check_health_even_with_a_token() {
    let ours = Authority::new();
    let config = GrpcConfig {
        token: Some(Secret::new("s3cret")),
        ..ours.config()
    };
    let (_context, target) = served(&config).await;
    let channel = without_certificate(&target, &ours.directory.path().join("ca.pem")).await;
    HealthClient::new(channel.clone())
        .check(HealthCheckRequest::default())
        .await
        .expect("let in");
    let mut request = tonic::Request::new(ExportTraceServiceRequest::default());
    request
        .metadata_mut()
        .insert("authorization", "Bearer s3cret".parse().expect("a value"));
    let refused = TraceServiceClient::new(channel).export(request).await.expect_err("refused");
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn plaintext_caller_is_refused_by_a_server_with_certificates() {
    let ours = Authority::new();
    let (_context, target) = served(&ours.config()).await;
    assert!(call(&target, &GrpcConfig::default()).await.is_err());
}

#[tokio::test]
async fn certificate_error_names_the_missing_file() {
    let ours = Authority::new();
    let mut config = ours.config();
    config.tls.key_file = Some("/nonexistent/key.pem".into());
    let context = Context::new("service", &Stop::new());
    let error = context
        .serve_grpc(&config, Collector::services().0)
        .await
        .expect_err("missing")
        .to_string();
    assert!(
        error.contains("/nonexistent/key.pem") && error.contains("grpc.tls"),
        "{error}"
    );
}
