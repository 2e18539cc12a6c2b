//! The service through its gRPC interface.

use ig_job_runner::{Config, run};
use ig_proto::v1;
use ig_proto::v1::job_service_client::JobServiceClient;
use ig_service::grpc::{Client, channel};
use ig_service::{Context, Stop};
use ig_testkit::mongo;
use tonic::Code;

const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

fn config(uri: &str) -> Config {
    let mut config = Config::default();
    uri.clone_into(&mut config.mongodb.uri);
    config.grpc.listen.set_port(0);
    config.scripts.workers = Some(1);
    config.secrets.keys = vec!["test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()];
    // Nothing answers there.
    config.services.api_gateway = format!("127.0.0.1:{}", ig_testkit::free_port());
    config
}

async fn started(config: Config) -> (JobServiceClient<Client>, Context) {
    let context = Context::new("job-runner", &Stop::new());
    let address = run(config.clone(), context.clone()).await.unwrap();
    (
        JobServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap()),
        context,
    )
}

#[tokio::test]
async fn job_runner_without_configuration_is_not_ready_and_knows_no_job() {
    let database = mongo::database();
    let mut config = config(&database.uri);
    config.mongodb.database.clone_from(&database.name);
    let (mut client, context) = started(config).await;
    assert!(context.readiness().reasons().contains(&"no configuration yet".to_owned()));
    let unknown = v1::RunNowRequest {
        org_id: 7,
        job_id: "070707070707070707070707".to_owned(),
        ..v1::RunNowRequest::default()
    };
    assert_eq!(client.run_now(unknown).await.unwrap_err().code(), Code::NotFound);
    let malformed = client.run_now(v1::RunNowRequest::default()).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert!(malformed.message().contains("job_id"), "{malformed}");
    context.drain(GRACE).await.unwrap();
    assert!(client.run_now(v1::RunNowRequest::default()).await.is_err());
}

#[tokio::test]
async fn job_runner_checks_sources_and_connections() {
    let database = mongo::database();
    let mut config = config(&database.uri);
    config.mongodb.database.clone_from(&database.name);
    let (mut client, context) = started(config).await;
    let check = |text: &str| v1::CheckDataSourceRequest {
        org_id: 7,
        data_source: text.to_owned(),
    };
    let ungranted = client
        .check_data_source(check(r#"{"type": "SQL", "query": "SELECT 1"}"#))
        .await
        .unwrap();
    let faults = ungranted.into_inner().faults;
    assert_eq!(faults[0].pointer, "/connection", "{faults:?}");
    let insecure = r#"{"type": "MONGODB", "connectionString": "mongodb://a.example/?tlsInsecure=true", "database": "d", "collection": "c", "pipeline": []}"#;
    let faults = client.check_data_source(check(insecure)).await.unwrap().into_inner().faults;
    assert!(faults[0].pointer.starts_with("/connectionString"), "{faults:?}");
    let malformed = client.check_data_source(check("{")).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    let url = "postgres://u:marker@h/d".to_owned();
    let faults = client
        .check_connection(v1::CheckConnectionRequest { url })
        .await
        .unwrap()
        .into_inner()
        .faults;
    assert_eq!(faults[0].pointer, "/url", "{faults:?}");
    assert!(!faults[0].message.contains("marker"), "{faults:?}");
    context.drain(GRACE).await.unwrap();
}

#[tokio::test]
async fn job_runner_starts_without_its_database_and_is_not_ready() {
    let unreachable = format!(
        "mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=100",
        ig_testkit::free_port()
    );
    let (_, context) = started(config(&unreachable)).await;
    assert!(context.readiness().reasons().contains(&"mongodb does not answer".to_owned()));
    context.drain(GRACE).await.unwrap();
}
