//! Processes and databases are killed at any moment: nothing is lost, order is kept, and the system recovers by itself.

use std::collections::HashMap;
use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{ReceivedRequest, Receiver};
use ig_testkit::servers::{Mariadb, Mongo};
use ig_testkit::wait::eventually_within;
use mongodb::bson::{Document, doc};
use rand::Rng as _;
use rustix::process::Signal;
use serde_json::json;

use crate::stack::Stack;

const TENANTS: i64 = 20;
const PATIENCE: Duration = Duration::from_secs(240);
/// The most deliveries that one worker may have sent without recording them: one in each lane, and the unwritten batch.
const IN_FLIGHT: usize = 2_100;

/// A stack with an integration for each tenant.
async fn stack(mongo: &ig_testkit::mongo::TestDatabase, receiver: &Receiver) -> Stack {
    let stack = Stack::start(mongo).await;
    for org in 1..=TENANTS {
        stack.api.org(org).await;
        stack
            .api
            .integration(
                org,
                "lab",
                &receiver.url(&format!("/{org}")),
                json!({"signing": {"enabled": true}}),
            )
            .await;
    }
    stack
}

/// Row `n` belongs to tenant `n % TENANTS + 1` and carries its number.
fn rows(range: std::ops::Range<i64>) -> impl Iterator<Item = QueueRow> {
    range.map(|n| QueueRow::new(n % TENANTS + 1, "lab").json(&json!({"n": n})))
}

async fn all_received(receiver: &Receiver, rows: i64) {
    eventually_within(PATIENCE, "every row is received", async || {
        first_receipts(&receiver.requests()).len() == rows as usize
    })
    .await;
}

/// The position of each row's first receipt among all receipts.
fn first_receipts(requests: &[ReceivedRequest]) -> HashMap<i64, usize> {
    let mut first = HashMap::new();
    for (place, request) in requests.iter().enumerate() {
        first.entry(number(request)).or_insert(place);
    }
    first
}

fn number(request: &ReceivedRequest) -> i64 {
    request.json()["n"].as_i64().expect("a numbered row")
}

/// Within a tenant, the first receipts follow the order of the rows. A repeat has the identifier of the first receipt.
fn assert_order_and_identity(requests: &[ReceivedRequest]) {
    let first = first_receipts(requests);
    for org in 0..TENANTS {
        let mut of_org: Vec<_> = first.iter().filter(|(n, _)| *n % TENANTS == org).collect();
        of_org.sort_by_key(|(_, place)| **place);
        let order: Vec<_> = of_org.iter().map(|(n, _)| **n).collect();
        assert!(order.is_sorted(), "tenant {}: {order:?}", org + 1);
    }
    let mut ids: HashMap<i64, &str> = HashMap::new();
    for request in requests {
        let id = request.header("webhook-id").expect("it has an id");
        assert_eq!(*ids.entry(number(request)).or_insert(id), id, "row {}", number(request));
    }
}

fn repeats(requests: &[ReceivedRequest]) -> usize {
    requests.len() - first_receipts(requests).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_repeatedly_loses_nothing() {
    const ROWS: i64 = 20_000;
    let mongo = ig_testkit::mongo::database();
    let queue = ig_testkit::mysql::database().await;
    let receiver = Receiver::start();
    let stack = stack(&mongo, &receiver).await;
    queue.insert_many(rows(0..ROWS)).await;
    let lease = [("IG__WORKER__LEASE_SECONDS", "2")];
    let mut kills = 0;
    let mut worker = stack.worker_with(&queue, &lease).await;
    while first_receipts(&receiver.requests()).len() < ROWS as usize / 10 * 9 && kills < 6 {
        let life = Duration::from_millis(rand::rng().random_range(1_500..3_500));
        tokio::time::sleep(life).await;
        worker.kill();
        kills += 1;
        worker = stack.worker_with(&queue, &lease).await;
    }
    all_received(&receiver, ROWS).await;
    let requests = receiver.requests();
    assert_order_and_identity(&requests);
    assert!(
        repeats(&requests) <= kills * IN_FLIGHT,
        "{} repeats after {kills} kills",
        repeats(&requests)
    );
    println!("{ROWS} rows, {kills} kills, {} repeats", repeats(&requests));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_platform_database_loses_nothing() {
    const ROWS: i64 = 6_000;
    let mut server = Mongo::start().await;
    let mongo = ig_testkit::mongo::database_on(&server.uri());
    let queue = ig_testkit::mysql::database().await;
    let receiver = Receiver::start();
    let stack = stack(&mongo, &receiver).await;
    let _worker = stack.worker_with(&queue, &[("IG__WORKER__LEASE_SECONDS", "4")]).await;
    queue.insert_many(rows(0..ROWS / 2)).await;
    receiver
        .wait_until("some are received", |requests| requests.len() > 200)
        .await;
    server.kill();
    queue.insert_many(rows(ROWS / 2..ROWS)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.restart().await;
    all_received(&receiver, ROWS).await;
    assert_order_and_identity(&receiver.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_hospital_database_loses_nothing() {
    const ROWS: i64 = 6_000;
    let mongo = ig_testkit::mongo::database();
    let mut server = Mariadb::start().await;
    let queue = ig_testkit::mysql::database_on(&server.url()).await;
    let receiver = Receiver::start();
    let stack = stack(&mongo, &receiver).await;
    let _worker = stack.worker(&queue).await;
    queue.insert_many(rows(0..ROWS / 2)).await;
    receiver
        .wait_until("some are received", |requests| requests.len() > 200)
        .await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart().await;
    eventually_within(PATIENCE, "the queue takes rows again", async || {
        queue.try_insert_many(rows(ROWS / 2..ROWS)).await.is_ok()
    })
    .await;
    all_received(&receiver, ROWS).await;
    assert_order_and_identity(&receiver.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_partitions_and_one_takes_over_from_the_other() {
    let mongo = ig_testkit::mongo::database();
    let queue = ig_testkit::mysql::database().await;
    let receiver = Receiver::start();
    let stack = stack(&mongo, &receiver).await;
    let mut first = stack.worker(&queue).await;
    let second = stack.worker(&queue).await;
    let fifteen = Duration::from_secs(15);
    eventually_within(fifteen, "each holds half", async || {
        first.partitions().await == 32 && second.partitions().await == 32
    })
    .await;
    queue.insert_many(rows(0..2_000)).await;
    all_received(&receiver, 2_000).await;
    assert_eq!(repeats(&receiver.requests()), 0, "each row once");
    first.kill();
    eventually_within(fifteen, "the other has all", async || second.partitions().await == 64).await;
    queue.insert_many(rows(2_000..3_000)).await;
    all_received(&receiver, 3_000).await;
    assert_order_and_identity(&receiver.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_frozen_beyond_its_lease_is_fenced_off() {
    let mongo = ig_testkit::mongo::database();
    let queue = ig_testkit::mysql::database().await;
    let receiver = Receiver::start();
    let stack = stack(&mongo, &receiver).await;
    let lease = [("IG__WORKER__LEASE_SECONDS", "3")];
    let frozen = stack.worker_with(&queue, &lease).await;
    queue.insert_many(rows(0..500)).await;
    all_received(&receiver, 500).await;
    frozen.signal(Signal::STOP);
    let other = stack.worker_with(&queue, &lease).await;
    eventually_within(Duration::from_secs(30), "the other has all", async || {
        other.partitions().await == 64
    })
    .await;
    queue.insert_many(rows(500..1_500)).await;
    all_received(&receiver, 1_500).await;
    let before = receiver.requests().len();
    let checkpoints = checkpoints(&mongo).await;
    frozen.signal(Signal::CONT);
    eventually_within(Duration::from_secs(30), "they share again", async || {
        frozen.partitions().await == 32 && other.partitions().await == 32
    })
    .await;
    queue.insert_many(rows(1_500..2_000)).await;
    all_received(&receiver, 2_000).await;
    let requests = receiver.requests();
    assert_eq!(
        requests.len(),
        before + 500,
        "what the frozen one had under way is not sent again"
    );
    for (partition, position) in self::checkpoints(&mongo).await {
        assert!(
            position >= checkpoints.get(&partition).copied().unwrap_or(0),
            "partition {partition} moved back"
        );
    }
}

/// The stored checkpoint of each partition.
async fn checkpoints(mongo: &ig_testkit::mongo::TestDatabase) -> HashMap<String, i64> {
    use futures::TryStreamExt as _;
    let collection = mongo.open().await.collection::<Document>("worker_checkpoint");
    let documents: Vec<_> = collection.find(doc! {}).await.unwrap().try_collect().await.unwrap();
    let position = |document: &Document| document.get_document("checkpoints").ok()?.get_i64("mysql").ok();
    documents
        .iter()
        .filter_map(|document| Some((document.get("_id")?.to_string(), position(document)?)))
        .collect()
}
