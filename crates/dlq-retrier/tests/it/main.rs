//! The service as others meet it.

use ig_dlq_retrier::{Config, run};
use ig_proto::v1;
use ig_proto::v1::dlq_service_client::DlqServiceClient;
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
async fn it_is_ready_with_its_database_and_says_what_it_does_not_serve() {
    let database = mongo::database();
    let (config, context) = (config(&database.uri), Context::new("dlq-retrier", &Stop::new()));
    let address = run(config.clone(), context.clone()).await.unwrap();
    context.readiness().ready().await;
    let mut client = DlqServiceClient::new(channel(&address.to_string(), &config.grpc).unwrap());
    let refused = client.retry(v1::RetryRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(refused.message().contains("DlqService.Retry"), "{refused}");
    context.drain(GRACE).await.unwrap();
    assert!(client.retry(v1::RetryRequest::default()).await.is_err());
}

#[tokio::test]
async fn it_starts_without_its_database_and_is_not_ready() {
    let nobody = format!(
        "mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=100",
        ig_testkit::free_port()
    );
    let context = Context::new("dlq-retrier", &Stop::new());
    run(config(&nobody), context.clone()).await.unwrap();
    assert_eq!(context.readiness().reasons(), ["mongodb does not answer"]);
    context.drain(GRACE).await.unwrap();
}
