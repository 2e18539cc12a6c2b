//! Targets with bad responses: each costs no more than its bound, is classified as what it is, and delays no other target.

use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::{Answer, gzip};
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup};

/// The most that is stored of a body.
const LARGEST: usize = 64 * 1024;
/// The timeout of these integrations, generous enough for a busy machine.
const DEADLINE_MS: u64 = 500;
const BOUND_MS: u64 = 10_000;

/// Creates an integration for each path, all of one event type, inserts one event, and returns the only attempt for each path.
async fn attempts<const N: usize>(setup: &Setup, answers: [(&str, Answer); N]) -> [Value; N] {
    let paths = answers.each_ref().map(|(path, _)| *path);
    let api = &setup.stack.api;
    for (path, answer) in answers {
        setup.receiver.always(path, answer);
        let bounded = json!({"timeoutMs": DEADLINE_MS, "retryCount": 1});
        api.integration(ORG, "lab", &setup.receiver.url(path), bounded).await;
    }
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;
    eventually("all are logged", async || api.list(ORG, "logs", "logs", "").await.len() == N).await;
    let mut found = Vec::new();
    for path in paths {
        found.push(the_attempt(api, &setup.receiver.url(path)).await);
    }
    found.try_into().expect("one on each path")
}

async fn the_attempt(api: &Api, url: &str) -> Value {
    let logs = api.list(ORG, "logs", "logs", "").await;
    let of_url = logs.iter().find(|log| log["targetUrl"] == url);
    let id = of_url.expect("a log")["id"].as_str().expect("an id");
    let log = api.get(&format!("/logs/{id}?orgId={ORG}")).await;
    assert_eq!(log["attemptCount"], 1, "{log}");
    let attempt = log["attempts"][0].clone();
    assert_eq!(attempt["errorCategory"], log["errorCategory"]);
    assert!(attempt["durationMs"].as_u64().expect("a duration") < BOUND_MS, "{attempt}");
    attempt
}

fn kept(attempt: &Value) -> &str {
    attempt["responseBody"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_responses_are_cut_at_the_timeout() {
    let setup = setup().await;
    let dripping = Answer::drip("drip ", Duration::from_millis(20));
    let [hung, dripped] = attempts(&setup, [("/hang", Answer::hang()), ("/drip", dripping)]).await;
    assert_eq!(
        (&hung["errorCategory"], &dripped["errorCategory"]),
        (&json!("TIMEOUT"), &Value::Null)
    );
    for attempt in [&hung, &dripped] {
        assert!(attempt["durationMs"].as_u64() >= Some(DEADLINE_MS), "{attempt}");
    }
    assert_eq!(hung["responseStatus"], Value::Null);
    assert_eq!(
        (&dripped["responseStatus"], &dripped["truncated"]),
        (&json!(200), &json!(true))
    );
    assert!(kept(&dripped).starts_with("drip drip "), "{dripped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_responses_are_stored_truncated() {
    let setup = setup().await;
    let bomb = gzip(&vec![b'0'; 16 * 1024 * 1024]).await;
    let packed = Answer::status(200).header("content-encoding", "gzip").body(bomb);
    let endless = Answer::status(200).repeated(vec![b'x'; 1024 * 1024], usize::MAX);
    let refusal = Answer::status(422).repeated("no ".repeat(1024), 1024);
    let [endless, packed, refused] = attempts(&setup, [("/endless", endless), ("/bomb", packed), ("/no", refusal)]).await;
    for (attempt, first) in [(&endless, "xxx"), (&packed, "000"), (&refused, "no no ")] {
        assert!(kept(attempt).starts_with(first), "{}", &kept(attempt)[..10]);
        assert_eq!((kept(attempt).len(), &attempt["truncated"]), (LARGEST, &json!(true)));
    }
    for taken in [&endless, &packed] {
        assert_eq!(
            (&taken["responseStatus"], &taken["errorCategory"]),
            (&json!(200), &Value::Null)
        );
    }
    assert_eq!(refused["errorCategory"], "CLIENT_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn response_that_breaks_off_counts_by_its_status() {
    let setup = setup().await;
    let cut = Answer::status(200).header("content-length", "1000").cut_after("so far");
    let [cut, reset] = attempts(&setup, [("/cut", cut), ("/reset", Answer::reset())]).await;
    assert_eq!(
        (&cut["errorCategory"], &reset["errorCategory"]),
        (&Value::Null, &json!("NETWORK"))
    );
    assert_eq!(setup.receiver.requests_to("/cut").len(), 1, "it is not sent again");
    assert_eq!((kept(&cut), &cut["truncated"]), ("so far", &json!(true)));
    assert_eq!(cut["responseStatus"], 200);
    assert_eq!(reset["responseStatus"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_of_three_seconds_is_respected() {
    let setup = setup().await;
    let slow_down = Answer::status(429).header("retry-after", "3");
    setup.receiver.script("/hook", [slow_down, Answer::status(200)]);
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;

    let received = setup.receiver.wait_for(2).await;
    let waited = received[1].at - received[0].at;
    assert!(waited.num_milliseconds() >= 3_000, "{waited}");
    eventually("it is logged", async || api.list(ORG, "logs", "logs", "").await.len() == 1).await;
    let log = &api.list(ORG, "logs", "logs", "").await[0];
    assert_eq!((&log["status"], &log["attemptCount"]), (&json!("SUCCESS"), &json!(2)));
    assert_eq!(log["attempts"][0]["errorCategory"], "RATE_LIMIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_target_delays_no_other() {
    const ROWS: usize = 20;
    let setup = setup().await;
    let (api, receiver) = (&setup.stack.api, &setup.receiver);
    receiver.always("/hang", Answer::hang());
    let patient = json!({"timeoutMs": 120_000});
    api.integration(ORG, "lab", &receiver.url("/hang"), patient).await;
    api.integration(ORG, "lab", &receiver.url("/well"), json!({})).await;
    let rows = (0..ROWS).map(|row| QueueRow::new(ORG, "lab").json(&json!({"row": row})));
    setup.queue.insert_many(rows).await;

    eventually("the others are logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == ROWS
    })
    .await;
    let logs = api.list(ORG, "logs", "logs", "").await;
    let well = receiver.url("/well");
    assert!(logs.iter().all(|log| log["status"] == "SUCCESS" && log["targetUrl"] == *well));
    let delivered: Vec<_> = receiver
        .requests_to("/well")
        .iter()
        .map(|request| request.json()["row"].clone())
        .collect();
    assert_eq!(delivered, (0..ROWS).map(|row| json!(row)).collect::<Vec<_>>());
    assert_eq!(receiver.requests_to("/hang").len(), 1, "its lane waits");
}
