//! The retrier and the worker may be killed at any moment: nothing is lost, no claim is stuck, and each delivery has one log.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{Answer, ReceivedRequest};
use ig_testkit::wait::eventually_within;
use serde_json::{Value, json};

use super::SOON;
use super::ground::{Ground, ORG};

const LETTERS: usize = 400;
const LANES: usize = 10;

/// Row `n` has the type `lab-<n % LANES>`.
fn row(n: usize) -> QueueRow {
    QueueRow::new(ORG, &format!("lab-{}", n % LANES)).json(&json!({"n": n}))
}

fn number(request: &ReceivedRequest) -> usize {
    request.json()["n"].as_u64().expect("a number") as usize
}

fn different(requests: &[ReceivedRequest]) -> HashSet<usize> {
    requests.iter().map(number).collect()
}

async fn dead_letters(ground: &Ground) -> u64 {
    let statistics = ground.api().get(&format!("/dlq/statistics?orgId={ORG}")).await;
    statistics["total"].as_u64().unwrap_or(0)
}

/// In each lane, the first receipts follow the order of the events.
fn assert_order(requests: &[ReceivedRequest]) {
    let mut seen = HashSet::new();
    let mut last: HashMap<usize, usize> = HashMap::new();
    for n in requests.iter().map(number).filter(|n| seen.insert(*n)) {
        let before = last.insert(n % LANES, n);
        assert!(before.is_none_or(|before| before < n), "{n} came after {before:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retrier_killed_during_a_redrive_loses_nothing() {
    let mut ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    ground.queue.insert_many((0..LETTERS).map(row)).await;
    // A few have failed, and the open breaker holds the others.
    eventually_within(SOON, "all are dead letters", async || {
        dead_letters(&ground).await == LETTERS as u64
    })
    .await;
    ground.receiver.always("/hook", Answer::status(200));
    ground.enable().await;
    let sent_before = ground.receiver.requests_to("/hook").len();
    let sent = |ground: &Ground| ground.receiver.requests_to("/hook").split_off(sent_before);

    let begun = ground.redrive(&json!({})).await;
    assert_eq!(begun["estimated"], LETTERS);
    for reached in [LETTERS / 5, LETTERS / 2] {
        eventually_within(SOON, "it is under way", async || different(&sent(&ground)).len() >= reached).await;
        ground.retrier.kill();
        ground.retrier.start_again().await;
    }
    let done = ground
        .redrive_when(&begun, "is completed", |redrive| redrive["state"] == "COMPLETED")
        .await;
    let counts = ["estimated", "delivered", "failed", "waiting"].map(|field| done[field].clone());
    assert_eq!(counts, [json!(LETTERS), json!(LETTERS), json!(0), json!(0)], "{done}");

    let requests = sent(&ground);
    assert_eq!(different(&requests).len(), LETTERS);
    assert_order(&requests);
    let repeats = requests.len() - LETTERS;
    println!("{LETTERS} dead letters, 2 kills, {repeats} repeats");
    assert!(repeats <= 2 * LANES, "{repeats} repeats");
    let statistics = ground.api().get(&format!("/dlq/statistics?orgId={ORG}")).await;
    assert_eq!(statistics["byStatus"]["RESOLVED"], LETTERS, "{statistics}");
    let logs = ground.api().get(&format!("/logs?orgId={ORG}&limit=1")).await;
    assert_eq!(logs["total"], LETTERS);
    let succeeded = ground.api().get(&format!("/logs?orgId={ORG}&limit=1&status=SUCCESS")).await;
    assert_eq!(succeeded["total"], LETTERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_sending_causes_a_repeat_and_one_log() {
    let mut ground = Ground::fresh().await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    ground.receiver.forget();
    let slow = Answer::status(200).after(Duration::from_secs(3));
    ground.receiver.script("/hook", [slow]);
    ground.receiver.always("/hook", Answer::status(200));
    assert!(ground.retry(&id).await.is_success());
    ground.receiver.wait_for(1).await;
    ground.worker.kill();
    ground.worker.start_again().await;
    ground
        .entry_when(&id, "is resolved", |entry| entry["status"] == "RESOLVED")
        .await;
    let entry = ground.entry(&id).await;
    assert_eq!(entry["retries"], 1, "the lost answer does not count: {entry}");
    let log = ground.one_log().await;
    assert_eq!((&log["status"], &log["attemptCount"]), (&json!("SUCCESS"), &json!(2)));
    let requests = ground.receiver.requests();
    let ids: HashSet<_> = requests.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert_eq!((requests.len(), ids.len()), (2, 1), "a repeat with the same id");
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_of_a_dead_retrier_is_free_when_its_lease_expires() {
    let mut ground = Ground::looking_every(2).await;
    ground.receiver.always("/hook", Answer::status(400));
    let id = ground.failed(json!({"n": 1})).await;
    ground.receiver.forget();
    ground.receiver.script("/hook", [Answer::hang()]);
    ground.receiver.always("/hook", Answer::status(200));
    assert!(ground.retry(&id).await.is_success());
    ground.receiver.wait_for(1).await;
    ground.retrier.kill();
    assert_eq!(ground.entry(&id).await["status"], "RETRYING");
    ground.retrier.start_again().await;
    let resolved = |entry: &Value| entry["status"] == "RESOLVED";
    ground.entry_when(&id, "is resolved", resolved).await;
    let log = ground.one_log().await;
    assert_eq!(log["status"], "SUCCESS", "{log}");
}
