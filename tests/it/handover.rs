//! Partitions move between workers while requests are in flight.

use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::setup::{ORG, setup};

const STREAMS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_in_flight_when_a_second_worker_joins_are_sent_once() {
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

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_does_not_know_an_integration_yet_keeps_the_decision_of_another_worker() {
    let mut setup = setup().await;
    let api = &setup.stack.api;
    let address = format!("127.0.0.1:{}", crate::stack::port());
    let (mut gateway, _api) = setup.stack.gateway_beside(&[("IG__GRPC__LISTEN", &address)]).await;
    let late = [("IG__SERVICES__API_GATEWAY", address.as_str())];
    let late = setup.stack.worker_with(&setup.queue, &late).await;
    eventually("each holds its half", async || {
        setup.worker.partitions().await == 32 && late.partitions().await == 32
    })
    .await;

    gateway.kill();
    let slow = Answer::status(200).after(Duration::from_mins(5));
    setup.receiver.always("/late", slow);
    for stream in 0..STREAMS {
        api.integration(ORG, &format!("type-{stream}"), &setup.receiver.url("/late"), json!({}))
            .await;
    }
    let rows = (0..STREAMS).map(|stream| QueueRow::new(ORG, &format!("type-{stream}")));
    setup.queue.insert_many(rows).await;
    eventually("each decided about its own", async || {
        api.list(ORG, "events", "events", "").await.len() == STREAMS
    })
    .await;
    let matched = api.list(ORG, "events", "events", "&status=MATCHED").await.len();
    assert!((1..STREAMS).contains(&matched), "{matched}");
    setup.receiver.wait_for(matched).await;

    setup.receiver.always("/late", Answer::status(200));
    setup.worker.kill();
    eventually("the other has found what it cannot judge", async || {
        late.said().contains("has not arrived here yet")
    })
    .await;
    gateway.start_again().await;
    eventually("what was decided is delivered", async || {
        api.list(ORG, "logs", "logs", "&status=SUCCESS").await.len() == matched
    })
    .await;
    let still = api.list(ORG, "events", "events", "&status=MATCHED").await.len();
    assert_eq!(still, matched, "no decision is replaced");
}
