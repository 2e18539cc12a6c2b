//! Rate limits hold across all workers.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Method;
use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::{eventually, eventually_within};
use serde_json::json;

use crate::setup::{ORG, setup, setup_for_orders};

/// Sends 400 events through a limit of 100 over two workers. The law does not depend on the window's length: a window has 40
/// slices, and a request that arrives late by less than a slice counts where it was granted.
#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_holds_across_two_workers_in_every_window_and_loses_nothing() {
    const LIMIT: usize = 100;
    const EVENTS: usize = 400;
    const WINDOW: i64 = 6;
    const PATIENCE: Duration = Duration::from_secs(240);
    let setup = setup().await;
    let api = &setup.stack.api;
    let other = setup.stack.worker(&setup.queue).await;
    let more = json!({"rateLimits": {"enabled": true, "maxRequests": LIMIT, "windowSeconds": WINDOW}});
    api.integration(ORG, "*", &setup.receiver.url("/limited"), more).await;
    eventually("both share the partitions", async || {
        setup.worker.partitions().await == 32 && other.partitions().await == 32
    })
    .await;
    let rows = (0..EVENTS).map(|number| QueueRow::new(ORG, &format!("type-{}", number % 16)).json(&json!({"number": number})));
    setup.queue.insert_many(rows).await;

    let mut parked = Vec::new();
    eventually_within(PATIENCE, "all are delivered or parked", async || {
        parked = api.list(ORG, "dlq", "entries", "").await;
        setup.receiver.count() as usize + parked.len() == EVENTS
    })
    .await;
    let received = setup.receiver.requests();
    let numbers: BTreeSet<_> = received.iter().map(|request| request.json()["number"].as_u64()).collect();
    assert_eq!(numbers.len(), received.len(), "each once");
    let at: Vec<_> = received.iter().map(|request| request.at).collect();
    let window = chrono::TimeDelta::seconds(WINDOW);
    for (first, begin) in at.iter().enumerate() {
        let within = at[first..].iter().take_while(|moment| **moment - *begin < window).count();
        // A request granted at the end of a slice may arrive a moment later, so 5 % more are allowed.
        assert!(within <= LIMIT + LIMIT / 20, "{within} requests within {window:?}");
    }
    for entry in &parked {
        let time = |field: &str| entry[field].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
        assert_eq!(entry["reason"], "RATE_LIMITED", "{entry}");
        assert!(
            time("nextRetryAt") > time("createdAt"),
            "it is due when there is room: {entry}"
        );
    }
    for worker in [&setup.worker, &other] {
        assert!(
            worker.metrics().await.contains("ig_deliveries_total{status=\"SUCCESS\""),
            "both deliver"
        );
    }
    println!("{} delivered, {} parked", received.len(), parked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limited_deliveries_are_parked_until_the_window_allows_them_and_others_continue() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let more = json!({"rateLimits": {"maxRequests": 1, "windowSeconds": 600}});
    api.integration(ORG, "order", &setup.receiver.url("/limited"), more).await;
    api.integration(ORG, "order", &setup.receiver.url("/free"), json!({})).await;
    for number in 0..3 {
        setup
            .queue
            .insert(QueueRow::new(ORG, "order").json(&json!({"number": number})))
            .await;
    }
    setup
        .receiver
        .wait_until("the others go on", |all| {
            all.iter().filter(|request| request.path == "/free").count() == 3
        })
        .await;
    eventually("two are parked", async || {
        api.list(ORG, "dlq", "entries", "").await.len() == 2
    })
    .await;
    for entry in api.list(ORG, "dlq", "entries", "").await {
        assert_eq!(
            (entry["status"].as_str(), entry["reason"].as_str()),
            (Some("PENDING_RETRY"), Some("RATE_LIMITED"))
        );
        let due: DateTime<Utc> = entry["nextRetryAt"].as_str().unwrap().parse().unwrap();
        assert!(due > Utc::now() + Duration::from_secs(300), "{due}");
    }
    assert_eq!(setup.receiver.requests_to("/limited").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_rate_limit_is_refused_by_name() {
    let setup = setup().await;
    let body = json!({
        "name": "n", "eventType": "order", "targetUrl": setup.receiver.url("/x"),
        "rateLimits": {"maxRequests": 0, "windowSeconds": 100_000}, "breaker": {"probeAfterSeconds": 0},
    });
    let path = format!("/outbound-integrations?orgId={ORG}");
    let answer = setup.stack.api.call(Method::POST, &path, Some(&body)).await;
    let text = answer.body.to_string();
    for pointer in [
        "/rateLimits/maxRequests",
        "/rateLimits/windowSeconds",
        "/breaker/probeAfterSeconds",
    ] {
        assert!(text.contains(pointer), "{pointer}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_delivery_beyond_the_rate_limit_is_told_and_never_sent_later() {
    let setup = setup_for_orders().await;
    let api = &setup.stack.api;
    let more = json!({"rateLimits": {"maxRequests": 1, "windowSeconds": 86_400}});
    let id = api.integration(ORG, "order", &setup.receiver.url("/limited"), more).await;
    let path = format!("/outbound-integrations/{id}/test?orgId={ORG}");
    let mut outcomes = Vec::new();
    for number in 0..2 {
        let payload = json!({"payload": {"number": number}});
        eventually("a worker takes the test delivery", async || {
            let tested = api.call(Method::POST, &path, Some(&payload)).await;
            let is_taken = tested.status.is_success();
            outcomes.extend(is_taken.then(|| tested.body["results"][0].clone()));
            is_taken
        })
        .await;
    }
    assert_eq!(outcomes[0]["outcome"], "DELIVERED", "{outcomes:?}");
    assert_eq!(
        (&outcomes[1]["outcome"], &outcomes[1]["errorCategory"]),
        (&json!("FAILED"), &json!("RATE_LIMIT")),
        "{outcomes:?}"
    );
    assert_eq!(setup.receiver.count(), 1);
    assert_eq!(api.list(ORG, "dlq", "entries", "").await, Vec::<serde_json::Value>::new());
}
