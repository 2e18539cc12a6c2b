//! The records that remain when a source is rewound.

use http::Method;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::beginning::{rewind, rows};
use crate::setup::{ORG, Setup, setup, setup_with};

/// A short wait for missing ids.
const IMPATIENT: [(&str, &str); 1] = [("IG__SOURCES__MYSQL__HOLE_WATCH_SECONDS", "1")];
/// The ids of a table that has been in use for a while.
const USED: &str = "ALTER TABLE notification_queue AUTO_INCREMENT = 5000000";

async fn lost(setup: &Setup) -> Vec<String> {
    let letters = setup.stack.api.list(ORG, "dlq", "entries", "&reason=EVENT_GONE").await;
    let ids = letters.iter().map(|letter| letter["eventId"].as_str().unwrap().to_owned());
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids
}

async fn logs(setup: &Setup) -> usize {
    setup.stack.api.list(ORG, "logs", "logs", "").await.len()
}

/// Waits until every partition of a source is processed up to a row.
async fn is_done(setup: &Setup, position: i64) {
    let leases = setup.mongo.open().await.collection::<Document>("worker_checkpoint");
    eventually("all is done", async || {
        let done = leases.count_documents(doc! { "checkpoints.mysql": { "$gte": position } });
        done.await.unwrap() == 64
    })
    .await;
}

/// Waits until the worker has stored that it has read a row.
async fn is_seen(setup: &Setup, position: i64) {
    let sources = setup.mongo.open().await.collection::<Document>("worker_checkpoint");
    eventually("it is told how far the source was read", async || {
        let told = sources.count_documents(doc! { "_id": "source:mysql", "seen": { "$gte": position } });
        told.await.unwrap() == 1
    })
    .await;
}

fn received(setup: &Setup) -> Vec<i64> {
    let requests = setup.receiver.requests();
    let mut received: Vec<_> = requests.iter().map(|request| request.json()["n"].as_i64().unwrap()).collect();
    received.sort_unstable();
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_events_far_above_the_first_row_of_a_truncated_table_are_recorded_as_lost() {
    for more in [&["--anew"][..], &[]] {
        let mut setup = setup().await;
        let api = setup.stack.api.clone();
        setup.queue.execute(USED).await;
        setup.receiver.always("/hook", Answer::hang());
        api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
        rows(&setup, 1..=3).await;
        eventually("all are decided about", async || {
            api.list(ORG, "events", "events", "&status=MATCHED").await.len() == 3
        })
        .await;
        is_seen(&setup, 5_000_002).await;
        setup.worker.kill();
        setup.receiver.always("/hook", Answer::status(200));
        setup.receiver.forget();
        setup.queue.execute("TRUNCATE notification_queue").await;
        rows(&setup, 11..=12).await;
        rewind(&setup, "0", more).await;
        let _second = setup.stack.worker_with(&setup.queue, &IMPATIENT).await;
        eventually("all are logged", async || logs(&setup).await == 5).await;
        assert_eq!(received(&setup), [11, 12]);
        assert_eq!(lost(&setup).await, ["5000000", "5000001", "5000002"], "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_events_of_a_truncated_table_are_not_lost_when_their_integration_gains_actions() {
    let mut setup = setup().await;
    let api = setup.stack.api.clone();
    let id = api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    rows(&setup, 1..=5).await;
    eventually("all are logged", async || logs(&setup).await == 5).await;
    is_done(&setup, 5).await;
    let more = json!({"actions": [{"name": "one"}, {"name": "two"}]});
    let path = format!("/outbound-integrations/{id}?orgId={ORG}");
    let changed = api.call(Method::PATCH, &path, Some(&more)).await;
    assert!(changed.status.is_success(), "{}", changed.body);
    setup.worker.kill();
    setup.receiver.forget();
    setup.queue.execute("TRUNCATE notification_queue").await;
    rows(&setup, 11..=13).await;
    // A gap between the new rows, and the old rows above them are gone.
    setup.queue.execute("DELETE FROM notification_queue WHERE id = 2").await;
    rewind(&setup, "0", &["--anew"]).await;
    let _second = setup.stack.worker_with(&setup.queue, &IMPATIENT).await;
    eventually("both actions are logged", async || logs(&setup).await >= 9).await;
    rows(&setup, [14]).await;
    eventually("the hole was given up and all that follows is done", async || {
        setup.receiver.count() >= 6
    })
    .await;
    is_done(&setup, 4).await;
    assert_eq!(received(&setup), [11, 11, 13, 13, 14, 14]);
    assert_eq!(lost(&setup).await, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rewind_with_anew_gives_unique_message_ids_even_after_a_plain_rewind() {
    let setup = setup_with(&IMPATIENT).await;
    let api = setup.stack.api.clone();
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    setup.queue.execute(USED).await;
    rows(&setup, [1]).await;
    setup.receiver.wait_for(1).await;
    is_done(&setup, 5_000_000).await;
    setup.queue.execute("TRUNCATE notification_queue").await;
    rows(&setup, [2]).await;
    rewind(&setup, "0", &[]).await;
    setup.receiver.wait_for(2).await;
    rewind(&setup, "0", &["--anew"]).await;
    setup.receiver.wait_for(3).await;
    setup.queue.execute(USED).await;
    rows(&setup, [3]).await;
    let received = setup.receiver.wait_for(4).await;
    let id = |n: i64| {
        let of_row = |request: &&ig_testkit::receiver::ReceivedRequest| request.json()["n"] == n;
        received
            .iter()
            .rfind(of_row)
            .unwrap()
            .header("webhook-id")
            .unwrap()
            .to_owned()
    };
    assert_ne!(id(3), id(1), "no receiver takes a new event for a repeat");
    eventually("it is told of as what it is", async || {
        let events = api.list(ORG, "events", "events", "").await;
        let names: Vec<_> = events.iter().map(|event| &event["eventId"]).collect();
        names.contains(&&json!("5000000@1"))
    })
    .await;
}
