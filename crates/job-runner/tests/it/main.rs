//! The service through its gRPC interface.

use ig_job_runner::{Config, run};
use ig_proto::v1;
use ig_proto::v1::job_service_client::JobServiceClient;
use ig_service::grpc::channel;
use ig_service::{Context, Stop};
use ig_testkit::mongo;
use tonic::Code;

const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

fn config(uri: &str) -> Config {
    let mut config = Config::default();
    uri.clone_into(&mut config.mongodb.uri);
    config.grpc.listen.set_port(0);
    config
}

#[tokio::test]
async fn job_runner_is_ready_with_its_database_and_answers_unimplemented() {
    let database = mongo::database();
    let (config, context) = (config(&database.uri), Context::new("job-runner", &Stop::new()));
    let address = run(config.clone(), context.clone()).await.unwrap();
    context.readiness().ready().await;
    let mut client = JobServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap());
    let refused = client.run_now(v1::RunNowRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(refused.message().contains("JobService.RunNow"), "{refused}");
    context.drain(GRACE).await.unwrap();
    assert!(client.run_now(v1::RunNowRequest::default()).await.is_err());
}

#[tokio::test]
async fn job_runner_starts_without_its_database_and_is_not_ready() {
    let unreachable = format!(
        "mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=100",
        ig_testkit::free_port()
    );
    let context = Context::new("job-runner", &Stop::new());
    run(config(&unreachable), context.clone()).await.unwrap();
    assert_eq!(context.readiness().reasons(), ["mongodb does not answer"]);
    context.drain(GRACE).await.unwrap();
}
