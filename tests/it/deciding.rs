//! A decision about an event is final, whatever happens while the event waits.

use std::time::Duration;

use http::Method;
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup_with};

const OTHER_ORG: i64 = 649;
const ROWS: usize = 200;
/// Too little memory to keep most payloads, and a short wait for missing rows.
const TIGHT: [(&str, &str); 2] = [
    ("IG__WORKER__PAYLOAD_MEMORY_MIB", "1"),
    ("IG__SOURCES__MYSQL__HOLE_WATCH_SECONDS", "1"),
];

fn row(org: i64, n: usize) -> QueueRow {
    QueueRow::new(org, "lab").json(&json!({"n": n, "filler": "x".repeat(5_000)}))
}

/// Rows that wait behind a slow first delivery, all with a recorded decision.
async fn waiting() -> Setup {
    let setup = setup_with(&TIGHT).await;
    setup
        .receiver
        .script("/slow", [Answer::status(200).after(Duration::from_secs(6))]);
    setup
        .stack
        .api
        .integration(ORG, "lab", &setup.receiver.url("/slow"), json!({}))
        .await;
    setup.queue.insert_many((1..=ROWS).map(|n| row(ORG, n))).await;
    eventually("all are decided about", async || matched(&setup.stack.api).await == ROWS).await;
    setup
}

async fn matched(api: &Api) -> usize {
    api.list(ORG, "events", "events", "&status=MATCHED").await.len()
}

/// Sets a schema that these rows violate.
async fn refuse_such_payloads(setup: &Setup) {
    let api = &setup.stack.api;
    let schema = json!({"schema": {"type": "object", "required": ["never"]}, "validation": "reject"});
    let path = format!("/field-schemas/lab?orgId={ORG}");
    let put = api.call(Method::PUT, &path, Some(&schema)).await;
    assert!(put.status.is_success(), "{}", put.body);
}

async fn logs(api: &Api) -> usize {
    api.list(ORG, "logs", "logs", "").await.len()
}

fn numbers(setup: &Setup) -> Vec<u64> {
    let requests = setup.receiver.requests_to("/slow");
    requests.iter().map(|request| request.json()["n"].as_u64().unwrap()).collect()
}

async fn letters(api: &Api) -> Vec<Value> {
    api.list(ORG, "dlq", "entries", "&status=ABANDONED").await
}

fn assert_all_are_gone(letters: &[Value], why: &str) {
    for letter in letters {
        assert_eq!(
            (&letter["reason"], &letter["errorCategory"]),
            (&json!("EVENT_GONE"), &json!("SOURCE")),
            "{letter}"
        );
        assert!(letter["lastError"].as_str().unwrap().contains(why), "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_are_not_validated_against_a_later_schema() {
    let setup = waiting().await;
    refuse_such_payloads(&setup).await;
    let api = &setup.stack.api;
    eventually("the schema is in force", async || {
        setup.queue.insert(row(ORG, 0)).await;
        !api.list(ORG, "events", "events", "&reason=SCHEMA_VIOLATED").await.is_empty()
    })
    .await;
    let all: Vec<_> = (1..=ROWS as u64).collect();
    eventually("all were received", async || {
        let mut received = numbers(&setup);
        received.retain(|n| *n > 0);
        received == all
    })
    .await;
    assert_eq!(letters(api).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_are_delivered_after_a_restart_despite_stricter_filters() {
    let mut setup = setup_with(&TIGHT).await;
    setup
        .queue
        .execute("ALTER TABLE notification_queue MODIFY created_at TIMESTAMP(3) NULL DEFAULT '2020-01-01 00:00:00'")
        .await;
    setup.receiver.always("/slow", Answer::hang());
    setup
        .stack
        .api
        .integration(ORG, "lab", &setup.receiver.url("/slow"), json!({}))
        .await;
    setup.queue.insert_many((1..=ROWS).map(|n| row(ORG, n))).await;
    let api = setup.stack.api.clone();
    eventually("all are decided about", async || matched(&api).await == ROWS).await;
    setup.worker.kill();
    refuse_such_payloads(&setup).await;
    setup.receiver.always("/slow", Answer::status(200));
    setup.receiver.forget();
    let settings: Vec<_> = TIGHT.into_iter().chain([("IG__WORKER__MAX_EVENT_AGE_DAYS", "1")]).collect();
    let _second = setup.stack.worker_with(&setup.queue, &settings).await;
    eventually("all were received", async || numbers(&setup).len() == ROWS).await;
    assert_eq!(numbers(&setup), (1..=ROWS as u64).collect::<Vec<_>>());
    setup.queue.insert(row(ORG, 0)).await;
    eventually("a new one is judged", async || {
        api.list(ORG, "events", "events", "&reason=TOO_OLD").await.len() == 1
    })
    .await;
    eventually("all are logged", async || logs(&api).await == ROWS).await;
    assert_eq!(matched(&api).await, ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_with_deleted_rows_become_dead_letters_with_alerts() {
    let setup = waiting().await;
    setup
        .queue
        .execute("DELETE FROM notification_queue WHERE id BETWEEN 101 AND 150")
        .await;
    let api = &setup.stack.api;
    eventually("all are logged", async || logs(api).await == ROWS).await;
    let letters = letters(api).await;
    assert_eq!((letters.len(), numbers(&setup).len()), (50, ROWS - 50));
    assert_all_are_gone(&letters, "deleted from its source");
    let database = setup.mongo.open().await;
    let letters = database.collection::<Document>("dlq");
    let owed = letters.count_documents(doc! { "alertOwed": true }).await;
    assert_eq!(owed.unwrap(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_with_rows_deleted_without_a_worker_become_dead_letters() {
    for delete in [
        "DELETE FROM notification_queue WHERE id <> 200",
        "DELETE FROM notification_queue",
    ] {
        let mut setup = waiting().await;
        setup.worker.kill();
        setup.queue.execute(delete).await;
        let api = setup.stack.api.clone();
        let _second = setup.stack.worker_with(&setup.queue, &TIGHT).await;
        eventually("all are logged", async || logs(&api).await == ROWS).await;
        let letters = letters(&api).await;
        let delivered = api.list(ORG, "logs", "logs", "&status=SUCCESS").await.len();
        assert_eq!(letters.len() + delivered, ROWS, "{delete}");
        assert_all_are_gone(&letters, "deleted from its source");
        assert_eq!(matched(&api).await, ROWS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_decided_events_with_deleted_rows_become_dead_letters_despite_newer_rows() {
    let mut setup = setup_with(&TIGHT).await;
    let api = setup.stack.api.clone();
    setup.receiver.always("/slow", Answer::hang());
    api.integration(ORG, "lab", &setup.receiver.url("/slow"), json!({})).await;
    setup.queue.insert_many((1..=5).map(|n| row(ORG, n))).await;
    eventually("all are decided about", async || matched(&api).await == 5).await;
    setup.worker.kill();
    // As if the worker was killed before it stored its read position, which it does every half second.
    let sources = setup.mongo.open().await.collection::<Document>("worker_checkpoint");
    let read = sources.update_one(doc! { "_id": "source:mysql" }, doc! { "$set": { "seen": 0_i64 } });
    assert_eq!(read.await.unwrap().matched_count, 1);
    setup.queue.execute("DELETE FROM notification_queue").await;
    setup.receiver.always("/slow", Answer::status(200));
    setup.receiver.forget();
    let settings = [("IG__SOURCES__MYSQL__HOLE_WATCH_SECONDS", "5")];
    let second = setup.stack.worker_with(&setup.queue, &settings).await;
    eventually("it has begun", async || {
        let metrics = second.metrics().await;
        metrics.contains("ig_source_lag_rows{source=\"mysql\"}") && second.partitions().await == 64
    })
    .await;
    setup.queue.insert(row(ORG, 6)).await;
    eventually("all are logged", async || logs(&api).await == 6).await;
    let letters = letters(&api).await;
    assert_eq!((letters.len(), numbers(&setup)), (5, vec![6]));
    assert_all_are_gone(&letters, "deleted from its source");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_row_overwritten_by_another_tenant_is_not_sent() {
    let setup = waiting().await;
    setup.stack.api.org(OTHER_ORG).await;
    setup.queue.execute("TRUNCATE notification_queue").await;
    setup.queue.insert_many((1..=ROWS).map(|n| row(OTHER_ORG, n + 1_000))).await;
    let api = &setup.stack.api;
    eventually("all are logged", async || logs(api).await == ROWS).await;
    assert!(numbers(&setup).iter().all(|n| *n <= ROWS as u64), "{:?}", numbers(&setup));
    let letters = letters(api).await;
    assert_eq!(letters.len() + numbers(&setup).len(), ROWS);
    assert_all_are_gone(&letters, "replaced by another event");
}

#[tokio::test(flavor = "multi_thread")]
async fn integration_deleted_without_a_worker_is_removed_from_the_decision() {
    let mut setup = setup_with(&TIGHT).await;
    let api = setup.stack.api.clone();
    setup.receiver.always("/slow", Answer::hang());
    let slow = api.integration(ORG, "lab", &setup.receiver.url("/slow"), json!({})).await;
    api.integration(ORG, "lab", &setup.receiver.url("/quick"), json!({})).await;
    setup.queue.insert(row(ORG, 1)).await;
    eventually("one is delivered, one waits", async || {
        !setup.receiver.requests_to("/slow").is_empty() && logs(&api).await == 1 && matched(&api).await == 1
    })
    .await;
    setup.worker.kill();
    api.call(Method::DELETE, &format!("/outbound-integrations/{slow}?orgId={ORG}"), None)
        .await;
    let _second = setup.stack.worker_with(&setup.queue, &TIGHT).await;
    eventually("the decision was changed", async || {
        let events = api.list(ORG, "events", "events", "").await;
        let says_so = |event: &Value| event["detail"].as_str().is_some_and(|detail| detail.contains("1 of its 2"));
        events
            .first()
            .is_some_and(|event| event["integrations"] == 1 && says_so(event))
    })
    .await;
    assert_eq!(
        setup.receiver.requests_to("/quick").len(),
        1,
        "what was delivered is not sent again"
    );
}
