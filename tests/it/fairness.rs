//! One tenant's trouble is not another's.

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, setup};

const OTHER_ORG: i64 = 649;

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_target_keeps_nobody_else_waiting() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/dead", Answer::hang());
    api.integration(ORG, "lab", &setup.receiver.url("/dead"), json!({})).await;
    api.integration(ORG, "lab", &setup.receiver.url("/alive"), json!({})).await;
    setup
        .queue
        .insert_many((0..200).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n}))))
        .await;
    eventually("the living target has everything", async || {
        setup.receiver.requests_to("/alive").len() == 200
    })
    .await;
    let order: Vec<_> = setup
        .receiver
        .requests_to("/alive")
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    assert!(order.is_sorted(), "in order");
    assert_eq!(setup.receiver.requests_to("/dead").len(), 1, "its lane waits for the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_passed_by_other_tenants_events_and_delivered_in_order() {
    const BACKLOG: i64 = 5_000;
    let setup = crate::setup::setup_with(&[("IG__WORKER__PAYLOAD_MEMORY_MIB", "1")]).await;
    let api = &setup.stack.api;
    api.org(OTHER_ORG).await;
    setup
        .receiver
        .always("/slow", Answer::status(200).after(std::time::Duration::from_millis(2)));
    api.integration(ORG, "lab", &setup.receiver.url("/slow"), json!({})).await;
    api.integration(OTHER_ORG, "lab", &setup.receiver.url("/quick"), json!({}))
        .await;
    setup
        .queue
        .insert_many((0..BACKLOG).map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n}))))
        .await;
    setup.queue.insert(QueueRow::new(OTHER_ORG, "lab")).await;
    setup
        .receiver
        .wait_until("the other tenant's event", |requests| {
            requests.iter().any(|request| request.path == "/quick")
        })
        .await;
    let before = setup.receiver.requests_to("/slow").len();
    assert!(before < BACKLOG as usize, "it passed a backlog that was not done: {before}");
    eventually("the backlog is done", async || {
        setup.receiver.requests_to("/slow").len() == BACKLOG as usize
    })
    .await;
    let order: Vec<_> = setup
        .receiver
        .requests_to("/slow")
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, (0..BACKLOG).collect::<Vec<_>>(), "each once, in order");
}
