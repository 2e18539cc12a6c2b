//! Rows that commit late, or are malformed, huge or repeated.

use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, setup, setup_with};

async fn audited(api: &Api, reason: &str) -> Vec<Value> {
    api.list(ORG, "events", "events", &format!("&reason={reason}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn row_committed_after_a_later_one_is_delivered_also_across_a_restart() {
    let mut setup = setup().await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    let mut late = setup.queue.begin().await;
    late.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "late"}))).await;
    let mut later = setup.queue.begin().await;
    later.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "later"}))).await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "lab").json(&json!({"row": "first"})))
        .await;
    setup.receiver.wait_for(1).await;
    late.commit().await;
    setup.receiver.wait_for(2).await;
    eventually("both are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 2).await;

    setup.worker.kill();
    let _second = setup.stack.worker(&setup.queue).await;
    later.commit().await;
    let received = setup.receiver.wait_for(3).await;
    let rows: Vec<_> = received
        .iter()
        .map(|request| request.json()["row"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rows, ["first", "late", "later"], "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn undeliverable_rows_are_audited_and_the_stream_continues() {
    let setup = setup().await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    let queue = &setup.queue;
    queue.insert(QueueRow::new(ORG, "lab").payload("{not json")).await;
    queue
        .insert(QueueRow::new(ORG, "lab").payload(vec![b'x'; 20 * 1024 * 1024]))
        .await;
    queue.insert(QueueRow::new(ORG, "")).await;
    queue.insert(QueueRow::new(999_999, "lab")).await;
    queue.insert(QueueRow::empty()).await;
    queue.insert(QueueRow::new(ORG, "nobody-wants-this")).await;
    queue.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "good"}))).await;

    let received = setup.receiver.wait_for(1).await;
    assert_eq!(received[0].json()["row"], "good");
    for reason in ["INVALID_PAYLOAD", "PAYLOAD_TOO_LARGE", "NO_EVENT_TYPE", "NO_MATCH"] {
        eventually(reason, async || audited(api, reason).await.len() == 1).await;
    }
    let nobodys = "/admin/events?reason=NO_ENTITY_CONTEXT&limit=500";
    eventually("events of nobody", async || {
        api.get(nobodys).await["events"]
            .as_array()
            .is_some_and(|events| events.len() == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_row_is_audited_and_a_changed_payload_is_no_repeat() {
    let setup = setup().await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    for result in [1, 1, 2] {
        setup
            .queue
            .insert(QueueRow::new(ORG, "lab").json(&json!({"id": "L-1", "result": result})))
            .await;
    }
    let received = setup.receiver.wait_for(2).await;
    assert_eq!(
        (received[0].json()["result"].as_i64(), received[1].json()["result"].as_i64()),
        (Some(1), Some(2))
    );
    eventually("the repeat is audited", async || audited(api, "DUPLICATE").await.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_column_name_is_audited_and_other_sources_continue() {
    let setup = setup_with(&[("IG__SOURCES__MYSQL__COLUMNS__EVENT_TYPE", "no_such_column")]).await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    api.post(
        &format!("/events?orgId={ORG}"),
        &json!({"eventType": "lab", "payload": {"row": "pushed"}}),
    )
    .await;
    assert_eq!(setup.receiver.wait_for(1).await[0].json()["row"], "pushed");
    let faults = "/admin/events?reason=SOURCE_MISCONFIGURED";
    eventually("the source's fault is audited", async || {
        let events = api.get(faults).await["events"].clone();
        events[0]["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("event_type"))
    })
    .await;
}
