//! Tests of data sources: what a job would fetch.

use std::sync::Arc;
use std::time::Duration;

use ig_proto::v1::TestDataSourceResponse;
use ig_testkit::mongo::database;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};
use tonic::Status;

use crate::api::{Answer, Api, merged};
use crate::job_runs::{api_source, create, sql_job, with_org};

/// The marker in the secret of [`api_source`].
const MARK: &str = "planted7c1f";

fn sample(records: &[&str]) -> TestDataSourceResponse {
    TestDataSourceResponse {
        records: records.iter().map(|&record| record.to_owned()).collect(),
        is_truncated: true,
        ..TestDataSourceResponse::default()
    }
}

async fn test_source(api: &Api, body: Value) -> Answer {
    api.post("/scheduled-jobs/test-datasource?orgId=10", body).await
}

#[tokio::test]
async fn data_source_test_shows_records_with_all_digits_or_the_error() {
    let (runner, api) = with_org().await;
    api.unit(10, 11).await;
    *runner.sample.lock() = Some(sample(&[r#"{"id": 9007199254740993, "amount": 10.50}"#]));
    let source = json!({"type": "SQL", "query": "SELECT 1"});
    let answer = test_source(&api, json!({"dataSource": source, "tenantId": 11, "watermark": "7"})).await;
    assert_eq!(
        (answer.status, &answer.json["success"], &answer.json["isTruncated"]),
        (200, &json!(true), &json!(true)),
        "{answer:?}"
    );
    let text = String::from_utf8_lossy(&answer.bytes);
    assert!(text.contains("9007199254740993") && text.contains("10.50"), "{text}");
    let asked = runner.tests.lock().last().cloned().unwrap();
    assert_eq!(
        (asked.org_id, asked.tenant_id, asked.watermark.as_deref()),
        (10, 11, Some("7"))
    );
    *runner.sample.lock() = Some(TestDataSourceResponse {
        error: "The table bills is not allowed.".to_owned(),
        ..TestDataSourceResponse::default()
    });
    let answer = test_source(&api, json!({"dataSource": source})).await;
    let expected = json!({"success": false, "records": [], "isTruncated": false, "durationMs": 0.0, "error": "The table bills is not allowed."});
    assert_eq!((answer.status, &answer.json), (200, &expected));
    let asked = runner.tests.lock().last().cloned().unwrap();
    assert_eq!((asked.tenant_id, asked.watermark), (10, None));
    for (body, place) in [
        (json!({}), "/dataSource"),
        (
            json!({"dataSource": {"type": "SQL", "query": "DROP TABLE bills"}}),
            "/dataSource/query",
        ),
        (
            json!({"dataSource": {"type": "API", "url": "http://127.0.0.2:9/"}}),
            "/dataSource/url",
        ),
        (json!({"dataSource": source, "tenantId": 77}), "/tenantId"),
        (json!({"dataSource": source, "watermark": "w".repeat(2_000)}), "/watermark"),
        (json!({"dataSource": source, "jobId": "x"}), "/jobId"),
        (
            json!({"dataSource": {"type": "SQL", "query": format!("SELECT '{}'", "x".repeat(70_000))}}),
            "/dataSource/query",
        ),
    ] {
        let refused = test_source(&api, body).await;
        assert_eq!((refused.status, refused.faults()), (400, vec![place]), "{refused:?}");
    }
    assert_eq!(runner.tests.lock().len(), 2);
}

#[tokio::test]
async fn data_source_test_sends_a_stored_secret_only_to_its_host() {
    let (runner, api) = with_org().await;
    *runner.sample.lock() = Some(sample(&[]));
    let id = create(
        &api,
        merged(sql_job(), json!({"dataSource": api_source(), "watermark": null})),
    )
    .await;
    let shown = api.get(&format!("/scheduled-jobs/{id}?orgId=10")).await.json["dataSource"].clone();
    assert_eq!(shown["headers"]["Authorization"], "********");
    let without = test_source(&api, json!({"dataSource": shown})).await;
    assert_eq!(
        (without.status, without.faults()),
        (400, vec!["/dataSource/headers/Authorization"])
    );
    let mut elsewhere = shown.clone();
    elsewhere["url"] = json!("https://attacker.invalid/bills");
    let moved = test_source(&api, json!({"dataSource": elsewhere, "id": id})).await;
    assert_eq!(
        (moved.status, moved.faults()),
        (400, vec!["/dataSource/headers/Authorization"])
    );
    assert!(runner.tests.lock().is_empty(), "nothing was sent");
    let mut same_host = shown;
    same_host["url"] = json!("https://api.invalid/visits");
    let tested = test_source(&api, json!({"dataSource": same_host, "id": id})).await;
    assert_eq!(tested.status, 200, "{tested:?}");
    assert_eq!(runner.tested_source()["headers"], api_source()["headers"]);
    for answer in [without, moved, tested] {
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(MARK));
    }
}

#[tokio::test]
async fn data_source_test_ends_when_its_client_leaves_or_its_time_is_over() {
    let (runner, api) = with_org().await;
    let source = json!({"dataSource": {"type": "SQL", "query": "SELECT SLEEP(60)"}});
    {
        let asking = test_source(&api, source.clone());
        let asked = eventually("the runner is asked", async || !runner.tests.lock().is_empty());
        tokio::select! {
            answer = asking => panic!("{answer:?}"),
            () = asked => {}
        }
    }
    tokio::time::timeout(Duration::from_mins(1), runner.left.notified())
        .await
        .expect("the call to the runner is dropped with the request");
    *runner.refusal.lock() = Some(Status::deadline_exceeded("the deadline has passed"));
    let late = test_source(&api, source).await;
    assert_eq!((late.status, &late.json["success"]), (200, &json!(false)), "{late:?}");
    assert!(late.text("/error").contains("did not answer within"), "{late:?}");
}

#[tokio::test]
async fn data_source_test_needs_a_runner() {
    let api = Api::start_with(Arc::new(database()), |config| {
        config.services.job_runner = "127.0.0.1:1".to_owned();
    })
    .await;
    api.org(10).await;
    let source = json!({"dataSource": {"type": "SQL", "query": "SELECT 1"}});
    assert_eq!(test_source(&api, source).await.status, 503);
}
