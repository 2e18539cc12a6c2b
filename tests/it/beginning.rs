//! Where reading a source begins, and what happens when its table is truncated.

use std::collections::HashSet;

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::{Answer, Receiver};
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, Setup, setup};
use crate::stack::{Stack, binary};

#[tokio::test(flavor = "multi_thread")]
async fn row_inserted_right_after_the_first_readiness_is_delivered() {
    for _ in 0..3 {
        let mongo: TestDatabase = ig_testkit::mongo::database();
        let queue: TestQueue = ig_testkit::mysql::database().await;
        let receiver = Receiver::start();
        queue.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "before"}))).await;
        let stack = Stack::start(&mongo).await;
        stack.api.org(ORG).await;
        stack.api.integration(ORG, "lab", &receiver.url("/hook"), json!({})).await;
        let _worker = stack.worker_with(&queue, &[("IG__SOURCES__MYSQL__START", "now")]).await;
        queue.insert(QueueRow::new(ORG, "lab").json(&json!({"row": "after"}))).await;
        let received = receiver.wait_for(1).await;
        assert_eq!(received[0].json()["row"], "after");
    }
}

pub(crate) async fn rows(setup: &Setup, rows: impl IntoIterator<Item = i32>) {
    let rows = rows.into_iter().map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n})));
    setup.queue.insert_many(rows).await;
}

pub(crate) async fn rewind(setup: &Setup, to: &str, more: &[&str]) {
    let rewound = tokio::process::Command::new(binary("igctl"))
        .args(["sources", "rewind", "--source", "mysql", "--to", to])
        .args(more)
        .envs(setup.stack.environment())
        .output()
        .await
        .unwrap();
    assert!(rewound.status.success(), "{rewound:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_table_is_reported_and_reread_after_a_rewind() {
    let mut setup = setup().await;
    let api = setup.stack.api.clone();
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    // All rows have the same timestamp, so that only the table itself tells them apart.
    setup
        .queue
        .execute("ALTER TABLE notification_queue MODIFY created_at TIMESTAMP(3) NULL DEFAULT '2026-01-01 00:00:00'")
        .await;
    rows(&setup, 1..=5).await;
    setup.receiver.wait_for(5).await;
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 5).await;
    setup.queue.execute("TRUNCATE notification_queue").await;
    rows(&setup, 11..=13).await;
    eventually("people are told", async || {
        let events = api.get("/admin/events?reason=SOURCE_BEHIND").await["events"].clone();
        events[0]["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("igctl sources rewind"))
    })
    .await;
    assert_eq!(setup.receiver.count(), 5, "nothing is rewound by itself");

    rewind(&setup, "0", &["--anew"]).await;
    let received = setup.receiver.wait_for(8).await;
    let mut anew: Vec<_> = received[5..]
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    anew.sort_unstable();
    assert_eq!(anew, [11, 12, 13]);
    let ids: HashSet<_> = received.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert_eq!(ids.len(), 8, "no receiver takes a new event for a repeat");
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 8).await;

    setup.worker.kill();
    let _second = setup.stack.worker(&setup.queue).await;
    rows(&setup, [14]).await;
    setup.receiver.wait_for(9).await;
    eventually("the last one is logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == 9
    })
    .await;
    assert_eq!(setup.receiver.count(), 9, "nothing is sent again");
    assert!(api.list(ORG, "dlq", "entries", "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_waiting_at_a_truncation_are_recorded_as_lost_and_new_rows_are_delivered() {
    let mut setup = setup().await;
    let api = setup.stack.api.clone();
    setup.receiver.always("/hook", Answer::hang());
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    rows(&setup, 1..=5).await;
    eventually("all are decided about", async || {
        api.list(ORG, "events", "events", "&status=MATCHED").await.len() == 5
    })
    .await;
    setup.worker.kill();
    setup.receiver.always("/hook", Answer::status(200));
    setup.receiver.forget();
    setup.queue.execute("TRUNCATE notification_queue").await;
    rows(&setup, 11..=13).await;
    rewind(&setup, "0", &["--anew"]).await;
    let _second = setup
        .stack
        .worker_with(&setup.queue, &[("IG__SOURCES__MYSQL__HOLE_WATCH_SECONDS", "1")])
        .await;
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 8).await;
    let mut received: Vec<_> = setup
        .receiver
        .requests()
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    received.sort_unstable();
    assert_eq!(received, [11, 12, 13]);
    let letters = api.list(ORG, "dlq", "entries", "&reason=EVENT_GONE").await;
    let mut lost: Vec<_> = letters.iter().map(|letter| letter["eventId"].as_str().unwrap()).collect();
    lost.sort_unstable();
    assert_eq!(lost, ["1", "2", "3", "4", "5"]);
}
