//! Starting with and without the database.

use ig_proto::v1;
use ig_service::{Context, Stop};
use ig_testkit::mongo;
use tonic::Code;

use crate::fixture::{GRACE, RunningRetrier, config};

#[tokio::test]
async fn retrier_is_ready_with_its_database_and_names_faults_of_a_request() {
    let database = mongo::database();
    let running = RunningRetrier::start(&database).await;
    running.context.readiness().ready().await;
    let mut client = running.client.clone();
    let too_many = v1::RetryRequest {
        org_id: 7,
        ids: vec!["0".repeat(24); 101],
    };
    let malformed = v1::RetryRequest {
        org_id: 7,
        ids: vec!["0".repeat(24), "x".to_owned()],
    };
    for (request, field) in [
        (too_many, "ids:"),
        (malformed, "ids[1]:"),
        (v1::RetryRequest::default(), "ids:"),
    ] {
        let refused = client.retry(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{refused}");
    }
    running.context.drain(GRACE).await.unwrap();
    assert!(client.nudge(v1::DlqNudgeRequest {}).await.is_err());
}

#[tokio::test]
async fn retrier_starts_without_its_database_and_is_not_ready() {
    let unreachable = format!(
        "mongodb://127.0.0.1:{}/?serverSelectionTimeoutMS=100",
        ig_testkit::free_port()
    );
    let context = Context::new("dlq-retrier", &Stop::new());
    ig_dlq_retrier::run(config(&unreachable, "ig"), context.clone())
        .await
        .unwrap();
    assert_eq!(context.readiness().reasons(), ["mongodb does not answer"]);
    context.drain(GRACE).await.unwrap();
}
