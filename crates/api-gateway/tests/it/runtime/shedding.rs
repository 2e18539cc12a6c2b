//! Calls beyond the capacity of the gateway.

use std::time::Duration;

use ig_testkit::receiver::{Answer, Receiver};
use ig_testkit::wait::eventually;
use serde_json::json;

use super::{ProxyFixture, gateway, inbound};
use crate::api::merged;

#[tokio::test]
async fn calls_beyond_the_concurrency_limit_are_shed_at_once() {
    let fixture = ProxyFixture::open(json!({"maxConcurrency": 3})).await;
    fixture
        .target
        .always("/base", Answer::status(200).after(Duration::from_millis(400)));
    let answers = futures::future::join_all((0..30).map(|_| fixture.post(json!({})))).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!((served, refused.len()), (3, 27));
    assert!(
        refused
            .iter()
            .all(|answer| answer.headers["retry-after"] == "1" && answer.text("/code") == "SERVICE_UNAVAILABLE")
    );
    assert_eq!(fixture.target.count(), 3);
    fixture.target.always("/base", Answer::status(200));
    assert_eq!(fixture.post(json!({})).await.status, 200, "it recovers at once");
}

#[tokio::test]
async fn busy_integration_leaves_capacity_to_others_up_to_the_total() {
    let target = Receiver::start();
    let api = gateway(|config| config.runtime.max_calls = 4).await;
    api.org(super::ORG).await;
    inbound(&api, &target.url("/slow"), json!({"maxConcurrency": 2})).await;
    let other = json!({"type": "u", "name": "U", "targetUrl": target.url("/quick")});
    assert_eq!(api.post("/inbound-integrations?orgId=10", other).await.status, 201);
    target.always("/slow", Answer::status(200).after(Duration::from_millis(500)));
    let crowd = futures::future::join_all((0..10).map(|_| api.post("/integrations/t?orgId=10", json!({}))));
    let quick = async {
        target.wait_for(2).await;
        api.post("/integrations/u?orgId=10", json!({})).await
    };
    let (_, quick) = futures::join!(crowd, quick);
    assert_eq!(quick.status, 200, "{quick:?}");
}

#[tokio::test]
async fn integration_rate_limit_is_in_every_response_and_leaves_a_dead_letter_when_reached() {
    let fixture = ProxyFixture::open(merged(
        json!({"allowedMethods": ["POST", "PUT"]}),
        json!({"rateLimits": {"maxRequests": 2, "windowSeconds": 3600}}),
    ))
    .await;
    for left in ["1", "0"] {
        let answer = fixture.post(json!({})).await;
        assert_eq!(
            (answer.status, answer.headers["ratelimit-limit"].to_str().unwrap()),
            (200, "2"),
            "{answer:?}"
        );
        assert_eq!(answer.headers["ratelimit-remaining"], left);
        assert!(answer.headers.contains_key("ratelimit-reset"));
    }
    let refused = fixture
        .call("PUT", "?orgId=10", &[("content-type", "application/json")], "{\"a\":1}")
        .await;
    assert_eq!(
        (refused.status, refused.text("/code").as_str()),
        (429, "RATE_LIMITED"),
        "{refused:?}"
    );
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 1);
    assert_eq!(fixture.post(json!({"b": 1})).await.status, 429);
    eventually("two dead letters", async || fixture.letters().await.len() == 2).await;
    let letters = fixture.letters().await;
    let of = |method: &str| letters.iter().find(|letter| letter["httpMethod"] == method).unwrap();
    assert_eq!(
        (&of("PUT")["reason"], &of("PUT")["status"]),
        (&json!("RATE_LIMITED"), &json!("PENDING_RETRY")),
        "{letters:?}"
    );
    assert_eq!(of("POST")["status"], "ABANDONED", "its client was told to send it again");
    assert_eq!(fixture.target.count(), 2);
}

#[tokio::test]
async fn organisation_runtime_limit_is_in_the_response() {
    let target = Receiver::start();
    let api = gateway(|config| config.rate_limit.org_runtime_per_minute = 2).await;
    api.org(super::ORG).await;
    inbound(&api, &target.url("/"), json!({})).await;
    let statuses = [
        api.post("/integrations/t?orgId=10", json!({})).await,
        api.post("/integrations/t?orgId=10", json!({})).await,
    ];
    assert!(
        statuses
            .iter()
            .all(|answer| answer.status == 200 && answer.headers["ratelimit-limit"] == "2"),
        "{statuses:?}"
    );
    let refused = api.post("/integrations/t?orgId=10", json!({})).await;
    assert_eq!(
        (refused.status, refused.headers["ratelimit-remaining"].to_str().unwrap()),
        (429, "0"),
        "{refused:?}"
    );
}

/// An integration in an organisation of its own.
async fn elsewhere(api: &crate::api::Api, url: &str) {
    api.org(20).await;
    let made = api
        .post(
            "/inbound-integrations?orgId=20",
            json!({"type": "u", "name": "U", "targetUrl": url}),
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
}

#[tokio::test]
async fn busy_organisation_leaves_capacity_to_others() {
    let target = Receiver::start();
    let api = gateway(|config| config.runtime.max_calls = 4).await;
    api.org(super::ORG).await;
    inbound(&api, &target.url("/slow"), json!({})).await;
    elsewhere(&api, &target.url("/quick")).await;
    target.always("/slow", Answer::status(200).after(Duration::from_secs(2)));
    let crowd = futures::future::join_all((0..10).map(|_| api.post("/integrations/t?orgId=10", json!({}))));
    let quick = async {
        target.wait_for(3).await;
        api.post("/integrations/u?orgId=20", json!({})).await
    };
    let (crowd, quick) = futures::join!(crowd, quick);
    assert_eq!(quick.status, 200, "{quick:?}");
    let served = crowd.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(served, 3, "as many as were free");
}

#[tokio::test]
async fn buffered_bodies_are_limited_in_bytes() {
    let target = Receiver::start();
    let api = gateway(|config| config.runtime.body_memory_bytes = 4_000_000).await;
    api.org(super::ORG).await;
    inbound(&api, &target.url("/slow"), json!({"signing": {"enabled": true}})).await;
    elsewhere(&api, &target.url("/quick")).await;
    target.always("/slow", Answer::status(200).after(Duration::from_secs(2)));
    let body = |bytes: usize| json!("x".repeat(bytes));
    let first = api.post("/integrations/t?orgId=10", body(1_900_000));
    let others = async {
        target.wait_for(1).await;
        let second = api.post("/integrations/t?orgId=10", body(1_900_000)).await;
        (second, api.post("/integrations/u?orgId=20", body(60_000)).await)
    };
    let (first, (second, elsewhere)) = futures::join!(first, others);
    assert_eq!((first.status, second.status, elsewhere.status), (200, 503, 200), "{second:?}");
    assert_eq!(second.headers["retry-after"], "1");
    assert_eq!(
        api.post("/integrations/t?orgId=10", body(1_900_000)).await.status,
        200,
        "it was given back"
    );
}
