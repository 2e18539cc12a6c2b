//! Where a source is read from, and what becomes of one that begins anew.

use ig_testkit::mongo::TestDatabase;
use ig_testkit::mysql::{QueueRow, TestQueue};
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, Setup, setup};
use crate::stack::{Stack, binary};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_comes_right_after_a_worker_is_ready_for_the_first_time_is_delivered() {
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

async fn rows(setup: &Setup, rows: impl IntoIterator<Item = i32>) {
    let rows = rows.into_iter().map(|n| QueueRow::new(ORG, "lab").json(&json!({"n": n})));
    setup.queue.insert_many(rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_begins_anew_is_told_of_and_read_again_when_a_person_says_so() {
    let setup = setup().await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    rows(&setup, 1..=5).await;
    setup.receiver.wait_for(5).await;
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == 5).await;
    setup.queue.execute("TRUNCATE notification_queue").await;
    // Rows of another time, which no log of the first ones could be taken for.
    setup
        .queue
        .execute("ALTER TABLE notification_queue MODIFY created_at TIMESTAMP(3) NULL DEFAULT '2026-01-01 00:00:00'")
        .await;
    rows(&setup, 11..=13).await;
    eventually("people are told", async || {
        let events = api.get("/admin/events?reason=SOURCE_BEHIND").await["events"].clone();
        events[0]["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("igctl sources rewind"))
    })
    .await;
    assert_eq!(setup.receiver.count(), 5, "nothing is rewound by itself");

    let rewound = tokio::process::Command::new(binary("igctl"))
        .args(["sources", "rewind", "--source", "mysql", "--to", "0"])
        .envs(setup.stack.environment())
        .output()
        .await
        .unwrap();
    assert!(rewound.status.success(), "{rewound:?}");
    let received = setup.receiver.wait_for(8).await;
    let mut anew: Vec<_> = received[5..]
        .iter()
        .map(|request| request.json()["n"].as_i64().unwrap())
        .collect();
    anew.sort_unstable();
    assert_eq!(anew, [11, 12, 13]);
}
