//! An expensive schema costs only its own organisation, and the events that wait for it are not lost.

use http::Method;
use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::{eventually, eventually_within};
use serde_json::{Value, json};
use std::time::Duration;

use crate::api::Api;
use crate::setup::{ORG, setup, setup_with};

const OTHER_ORG: i64 = 649;

/// A schema that never ends, which shows only for payloads with `a`.
fn endless() -> Value {
    let endless = (0..60).fold(
        json!({"required": ["never"]}),
        |below, _| json!({"if": below, "then": true, "unevaluatedProperties": false}),
    );
    json!({"properties": {"a": endless}})
}

async fn set(api: &Api, schema: Value) {
    let body = json!({"schema": schema, "validation": "reject"});
    let path = format!("/field-schemas/lab?orgId={ORG}");
    let put = api.call(Method::PUT, &path, Some(&body)).await;
    assert!(put.status.is_success(), "{}", put.body);
}

async fn skipped(api: &Api, reason: &str) -> Vec<Value> {
    api.list(ORG, "events", "events", &format!("&reason={reason}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_schema_affects_only_its_organisation_until_it_is_replaced() {
    const ROWS: usize = 12;
    let mut setup = setup().await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    api.integration(ORG, "lab", &setup.receiver.url("/own"), json!({})).await;
    api.integration(OTHER_ORG, "lab", &setup.receiver.url("/other"), json!({}))
        .await;
    set(api, endless()).await;
    let own = |n: usize| QueueRow::new(ORG, "lab").json(&json!({"a": {"b": 1}, "n": n}));
    setup.queue.insert_many((0..ROWS).map(own)).await;
    let rejected = async || skipped(&setup.stack.api, "SCHEMA_VIOLATED").await;
    eventually("the first is stopped", async || !rejected().await.is_empty()).await;
    setup.queue.insert(QueueRow::new(OTHER_ORG, "lab")).await;
    setup
        .receiver
        .wait_until("the other organisation's event", |requests| {
            requests.iter().any(|request| request.path == "/other")
        })
        .await;
    eventually("its schema is disabled", async || setup.worker.said().contains("is disabled")).await;
    let skipped_events = rejected().await;
    let detail = skipped_events[0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("takes too long to be held against its schema"), "{detail}");
    assert!(skipped_events.len() < ROWS, "the rest waits");

    // Waiting events outlive their worker.
    setup.worker.kill();
    setup.worker = setup.stack.worker(&setup.queue).await;
    set(&setup.stack.api, json!({"required": ["n"]})).await;
    let own = || setup.receiver.requests_to("/own");
    let rejected = async || skipped(&setup.stack.api, "SCHEMA_VIOLATED").await;
    eventually("each is rejected or delivered", async || {
        own().len() + rejected().await.len() == ROWS
    })
    .await;
    assert!(!own().is_empty());
    let numbers: Vec<_> = own().iter().map(|request| request.json()["n"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted(), "in order: {numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_validation_keeps_event_order_with_little_memory() {
    const ROWS: u64 = 400;
    let setup = setup_with(&[("IG__WORKER__PAYLOAD_MEMORY_MIB", "1")]).await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/in-order"), json!({})).await;
    set(api, json!({"properties": {"n": {"not": {"multipleOf": 10}}}})).await;
    let filler = "x".repeat(20_000);
    let rows = (0..ROWS).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n, "filler": filler})));
    setup.queue.insert_many(rows).await;
    setup.receiver.wait_for((ROWS - ROWS / 10) as usize).await;
    let numbers: Vec<_> = setup
        .receiver
        .requests_to("/in-order")
        .iter()
        .map(|r| r.json()["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..ROWS).filter(|n| n % 10 != 0).collect::<Vec<_>>());
    let rejected = async || skipped(&setup.stack.api, "SCHEMA_VIOLATED").await.len() as u64;
    eventually("the others are rejected", async || rejected().await == ROWS / 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_deleted_while_it_waits_for_its_schema_is_audited_as_deleted() {
    const ROWS: usize = 10;
    let setup = setup_with(&[("IG__WORKER__PAYLOAD_MEMORY_MIB", "1")]).await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/own"), json!({})).await;
    set(api, endless()).await;
    // The first row cannot be validated. The others do not fit into memory and are read one by one.
    let filler = "x".repeat(600_000);
    let large = |n: usize| QueueRow::new(ORG, "lab").json(&json!({"a": {"b": n}, "filler": filler}));
    setup.queue.insert_many((0..ROWS).map(large)).await;
    eventually("its schema is disabled", async || setup.worker.said().contains("is disabled")).await;
    eventually("all are taken up", async || {
        let waiting = ROWS - skipped(api, "SCHEMA_VIOLATED").await.len();
        setup
            .worker
            .metrics()
            .await
            .contains(&format!("ig_events_in_flight {waiting}\n"))
    })
    .await;
    // Three rows: the last four without the very last.
    let some = "SELECT id FROM (SELECT id FROM notification_queue ORDER BY id DESC LIMIT 1, 3) AS some";
    setup
        .queue
        .execute(&format!("DELETE FROM notification_queue WHERE id IN ({some})"))
        .await;
    set(api, json!({"required": ["a"]})).await;
    eventually_within(Duration::from_mins(1), "the last is delivered", async || {
        let last = setup.receiver.requests_to("/own").pop();
        last.is_some_and(|request| request.json()["a"]["b"] == ROWS - 1)
    })
    .await;
    let gone = skipped(api, "INVALID_PAYLOAD").await;
    assert_eq!(gone.len(), 3, "{gone:?}");
    assert!(
        gone[0]["detail"]
            .as_str()
            .unwrap()
            .contains("deleted before its payload was held"),
        "{}",
        gone[0]
    );
}
