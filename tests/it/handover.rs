//! Partitions change hands while requests are in flight.

use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, setup};

const STREAMS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_when_a_second_worker_comes_is_sent_once() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let slow = Answer::status(200).after(Duration::from_secs(6));
    setup.receiver.always("/slow", slow);
    for stream in 0..STREAMS {
        api.integration(ORG, &format!("type-{stream}"), &setup.receiver.url("/slow"), json!({}))
            .await;
    }
    let rows = (0..STREAMS).map(|stream| QueueRow::new(ORG, &format!("type-{stream}")).json(&json!({"n": stream})));
    setup.queue.insert_many(rows).await;
    setup.receiver.wait_for(STREAMS).await;

    let second = setup.stack.worker(&setup.queue).await;
    eventually("each holds its half", async || {
        setup.worker.partitions().await == 32 && second.partitions().await == 32
    })
    .await;
    eventually("all are logged", async || {
        api.list(ORG, "logs", "logs", "&status=SUCCESS").await.len() == STREAMS
    })
    .await;
    for stream in 0..STREAMS {
        setup.queue.insert(QueueRow::new(ORG, &format!("type-{stream}"))).await;
    }
    eventually("what came after is delivered too", async || {
        setup.receiver.requests().len() >= 2 * STREAMS
    })
    .await;
    assert_eq!(setup.receiver.requests().len(), 2 * STREAMS, "nothing is sent twice");
}
