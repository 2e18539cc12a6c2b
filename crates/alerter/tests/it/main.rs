//! The service through its gRPC interface, and its channels against real receivers.

mod authority;
mod email;
mod email_failures;
mod http_channels;
mod life;
mod messages;
mod mime;
mod notices;
mod smtp_server;

use ig_alerter::{Config, run};
use ig_core::alert::{Alert, Severity};
use ig_core::clock::{Clock as _, SystemClock};
use ig_core::id::OrgId;
use ig_proto::v1;
use ig_proto::v1::alert_service_client::AlertServiceClient;
use ig_service::grpc::channel;
use ig_service::{Context, Stop};
use ig_testkit::mongo;
use ig_testkit::mongo::TestDatabase;
use tonic::Code;

const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

fn config(database: &TestDatabase) -> Config {
    let mut config = Config::default();
    config.mongodb.uri.clone_from(&database.uri);
    config.mongodb.database.clone_from(&database.name);
    config.grpc.listen.set_port(0);
    config
}

fn request(org: i64, key: &str) -> v1::RaiseRequest {
    let alert = Alert {
        org_id: Some(OrgId(org)),
        kind: "breaker-opened".to_owned(),
        key: key.to_owned(),
        severity: Severity::Critical,
        message: "Five deliveries failed in a row".to_owned(),
        at: SystemClock.now(),
    };
    v1::RaiseRequest::from(&alert)
}

#[tokio::test]
async fn alert_is_notified_once_per_organisation_kind_and_key() {
    let database = mongo::database();
    let (config, context) = (config(&database), Context::new("alerter", &Stop::new()));
    let address = run(config.clone(), context.clone()).await.unwrap();
    context.readiness().ready().await;
    let mut client = AlertServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap());
    let mut told = Vec::new();
    for alert in [
        request(1, "a"),
        request(1, "a"),
        request(1, "b"),
        request(2, "a"),
        request(1, "a"),
    ] {
        told.push(client.raise(alert).await.unwrap().into_inner().told);
    }
    assert_eq!(told, [true, false, true, true, false]);
    let logs = database.open().await.collection::<bson::Document>("alert_center_logs");
    let counted = logs
        .find_one(bson::doc! { "orgId": 1_i64, "key": "a" })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(counted.get_i64("count").unwrap(), 3);
    assert_eq!(counted.get_str("severity").unwrap(), "CRITICAL");
    assert_eq!(logs.count_documents(bson::doc! {}).await.unwrap(), 3);
    context.drain(GRACE).await.unwrap();
}

#[tokio::test]
async fn alert_without_a_key_is_rejected() {
    let database = mongo::database();
    let (config, context) = (config(&database), Context::new("alerter", &Stop::new()));
    let address = run(config.clone(), context.clone()).await.unwrap();
    let mut client = AlertServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap());
    let refused = client
        .raise(v1::RaiseRequest {
            key: String::new(),
            ..request(1, "a")
        })
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "key: must not be empty")
    );
    context.drain(GRACE).await.unwrap();
}
