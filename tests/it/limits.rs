//! Limits hold over all workers together.

use std::time::Duration;

use ig_testkit::mysql::QueueRow;
use serde_json::json;

use crate::setup::{ORG, setup};

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_a_limit_in_every_window_and_lose_nothing() {
    const LIMIT: usize = 40;
    const EVENTS: usize = 160;
    let setup = setup().await;
    let api = &setup.stack.api;
    let _other = setup.stack.worker(&setup.queue).await;
    let more = json!({"rateLimits": {"enabled": true, "maxRequests": LIMIT, "windowSeconds": 2}});
    api.integration(ORG, "*", &setup.receiver.url("/limited"), more).await;
    let rows = (0..EVENTS).map(|number| QueueRow::new(ORG, &format!("type-{}", number % 8)).json(&json!({"number": number})));
    setup.queue.insert_many(rows).await;

    let received = setup.receiver.wait_for(EVENTS).await;
    let at: Vec<_> = received.iter().map(|request| request.at).collect();
    let window = chrono::TimeDelta::seconds(2);
    for (first, begin) in at.iter().enumerate() {
        let within = at[first..].iter().take_while(|moment| **moment - *begin < window).count();
        // What was granted at the end of a slice may arrive a moment later: 5 % are allowed for that.
        assert!(within <= LIMIT + LIMIT / 20, "{within} requests within {window:?}");
    }
    assert!(api.list(ORG, "dlq", "entries", "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_wait_too_long_is_parked_until_the_window_has_room_and_others_go_on() {
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
    ig_testkit::wait::eventually("two are parked", async || {
        api.list(ORG, "dlq", "entries", "").await.len() == 2
    })
    .await;
    for entry in api.list(ORG, "dlq", "entries", "").await {
        assert_eq!(
            (entry["status"].as_str(), entry["reason"].as_str()),
            (Some("PENDING_RETRY"), Some("RATE_LIMITED"))
        );
        let due: chrono::DateTime<chrono::Utc> = entry["nextRetryAt"].as_str().unwrap().parse().unwrap();
        assert!(due > chrono::Utc::now() + Duration::from_secs(300), "{due}");
    }
    assert_eq!(setup.receiver.requests_to("/limited").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_none_is_refused_by_name() {
    let setup = setup().await;
    let body = json!({
        "name": "n", "eventType": "order", "targetUrl": setup.receiver.url("/x"),
        "rateLimits": {"maxRequests": 0, "windowSeconds": 100_000}, "breaker": {"probeAfterSeconds": 0},
    });
    let path = format!("/outbound-integrations?orgId={ORG}");
    let answer = setup.stack.api.call(http::Method::POST, &path, Some(&body)).await;
    let text = answer.body.to_string();
    for pointer in [
        "/rateLimits/maxRequests",
        "/rateLimits/windowSeconds",
        "/breaker/probeAfterSeconds",
    ] {
        assert!(text.contains(pointer), "{pointer}: {text}");
    }
}
