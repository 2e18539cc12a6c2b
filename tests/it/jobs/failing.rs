//! Jobs that fail: at each stage, with what people need to mend them.

use http::Method;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually_within;
use mysql_async::prelude::Queryable as _;
use serde_json::{Value, json};

use super::setup::{Jobs, PATIENCE};
use crate::setup::ORG;

#[tokio::test]
async fn job_whose_script_throws_fails_at_transformation() {
    let jobs = Jobs::start(1, &[]).await;
    jobs.bill(ORG, "1.00", "'2026-02-04'").await;
    let script =
        json!({"transformation": {"mode": "SCRIPT", "script": "console.log('looked');\nthrow new Error('no such ward')"}});
    let job = jobs.job(ORG, "/throws", script).await;
    let ended = jobs.ended(ORG, &jobs.run(ORG, &job).await).await;
    assert_eq!(
        (&ended["status"], &ended["errorContext"]["stage"]),
        (&json!("FAILED"), &json!("TRANSFORMATION")),
        "{ended}"
    );
    assert!(ended["errorContext"].to_string().contains("no such ward"), "{ended}");
    assert_eq!(
        (ended["dataFetchStage"].as_str(), ended["recordsFetched"].as_u64()),
        (Some("SUCCESS"), Some(1)),
        "{ended}"
    );
    assert_eq!(jobs.receiver.count(), 0);
    let skipping = json!({"transformation": {"mode": "SCRIPT", "script": "return null"}});
    let job = jobs.job(ORG, "/skips", skipping).await;
    let ended = jobs.ended(ORG, &jobs.run(ORG, &job).await).await;
    assert_eq!(
        (ended["status"].as_str(), ended["batchesSkipped"].as_u64()),
        (Some("SUCCESS"), Some(1)),
        "{ended}"
    );
    assert_eq!(jobs.receiver.count(), 0);
}

#[tokio::test]
async fn job_whose_target_fails_leaves_a_dead_letter_that_is_redriven() {
    let jobs = Jobs::start(1, &[]).await;
    jobs.bill(ORG, "1.00", "'2026-02-04'").await;
    jobs.receiver.always("/fails", Answer::status(500));
    let job = jobs.job(ORG, "/fails", json!({"retryCount": 1})).await;
    let ended = jobs.ended(ORG, &jobs.run(ORG, &job).await).await;
    assert_eq!(
        (&ended["status"], &ended["errorContext"]["stage"]),
        (&json!("FAILED"), &json!("DELIVERY")),
        "{ended}"
    );
    assert_eq!(ended["httpResponse"]["status"], 500, "{ended}");
    let letters = format!("/dlq?orgId={ORG}&integrationId={job}");
    let letter = std::cell::RefCell::new(Value::Null);
    eventually_within(PATIENCE, "a dead letter", async || {
        let listed = jobs.stack.api.get(&letters).await;
        let all: Vec<Value> = listed
            .as_object()
            .unwrap()
            .values()
            .find_map(Value::as_array)
            .unwrap()
            .clone();
        *letter.borrow_mut() = all.first().cloned().unwrap_or_default();
        all.len() == 1
    })
    .await;
    let id = letter.borrow()["id"].as_str().expect("an identifier").to_owned();
    jobs.receiver.always("/fails", Answer::status(200));
    let retried = jobs
        .stack
        .api
        .call(Method::POST, &format!("/dlq/{id}/retry?orgId={ORG}"), None)
        .await;
    assert!(retried.status.is_success(), "{retried:?}");
    let sent = jobs
        .receiver
        .wait_until("the redriven delivery", |requests| requests.len() >= 2)
        .await;
    let last = sent.last().unwrap();
    assert_eq!(last.body, sent[0].body, "the letter has the whole payload");
    assert_eq!(last.headers.get("webhook-id"), sent[0].headers.get("webhook-id"));
}

#[tokio::test]
async fn job_whose_query_takes_too_long_is_killed_on_the_server() {
    let jobs = Jobs::start(1, &[("IG__JOBS__FETCH_TIMEOUT_SECONDS", "1")]).await;
    for number in 0..200 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    let slow = "SELECT COUNT(*) AS slow_marker FROM bills a, bills b, bills c, bills d, bills e WHERE a.amount + b.amount + c.amount \
                + d.amount + e.amount < 0";
    let job = jobs
        .job(ORG, "/slow", json!({"dataSource": {"type": "SQL", "query": slow}}))
        .await;
    let ended = jobs.ended(ORG, &jobs.run(ORG, &job).await).await;
    assert_eq!(
        (&ended["status"], &ended["errorContext"]["stage"]),
        (&json!("FAILED"), &json!("DATA_FETCH")),
        "{ended}"
    );
    query_ends(&jobs).await;
}

#[tokio::test]
async fn job_run_that_is_cancelled_ends_with_its_query() {
    let jobs = Jobs::start(1, &[("IG__JOBS__FETCH_TIMEOUT_SECONDS", "300")]).await;
    for number in 0..200 {
        jobs.bill(ORG, &format!("{number}.00"), "'2026-02-04'").await;
    }
    let slow = "SELECT COUNT(*) AS slow_marker FROM bills a, bills b, bills c, bills d, bills e WHERE a.amount + b.amount + c.amount \
                + d.amount + e.amount < 0";
    let job = jobs
        .job(ORG, "/slow", json!({"dataSource": {"type": "SQL", "query": slow}}))
        .await;
    let log = jobs.run(ORG, &job).await;
    let path = format!("/scheduled-jobs/{job}/runs/{log}/cancel?orgId={ORG}");
    let cancelled = jobs.stack.api.call(Method::POST, &path, None).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let ended = jobs.ended(ORG, &log).await;
    assert_eq!(ended["status"], "CANCELLED", "{ended}");
    query_ends(&jobs).await;
}

/// Waits until the slow query is gone from the server: its end takes a moment there.
async fn query_ends(jobs: &Jobs) {
    let queue = &jobs.queue;
    eventually_within(PATIENCE, "the query ends on the server", async || {
        let mut conn = queue.conn().await;
        let running: Vec<String> = conn
            .query("SELECT INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE '%slow_marker%' AND ID <> CONNECTION_ID()")
            .await
            .unwrap();
        running.is_empty()
    })
    .await;
}
