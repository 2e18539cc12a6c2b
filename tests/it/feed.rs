//! Configuration changed through the API takes effect in the workers, and stays in effect while the gateway is away.

use std::time::Duration;

use http::Method;
use ig_testkit::mysql::QueueRow;
use ig_testkit::wait::eventually_within;
use serde_json::json;

use crate::setup::{ORG, Setup, setup};

/// A change takes effect in less than a second; a busy machine may need longer.
const IN_FORCE: Duration = Duration::from_secs(10);

/// Points an integration to another path, and inserts rows until one arrives there.
async fn is_retargeted(setup: &Setup, id: &str, path: &str) {
    let change = json!({"targetUrl": setup.receiver.url(path)});
    let route = format!("/outbound-integrations/{id}?orgId={ORG}");
    let answer = setup.stack.api.call(Method::PATCH, &route, Some(&change)).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    eventually_within(IN_FORCE, "the change is in force", async || {
        setup.queue.insert(QueueRow::new(ORG, "lab")).await;
        !setup.receiver.requests_to(path).is_empty()
    })
    .await;
}

async fn is_delivered(setup: &Setup, row: &str) {
    let payload = json!({"row": row});
    setup.queue.insert(QueueRow::new(ORG, "lab").json(&payload)).await;
    let arrived = async || setup.receiver.requests().iter().any(|request| request.json() == payload);
    eventually_within(IN_FORCE, row, arrived).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_changes_and_deletions_take_effect_at_once() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let id = api.integration(ORG, "lab", &setup.receiver.url("/before"), json!({})).await;
    is_delivered(&setup, "before the change").await;
    is_retargeted(&setup, &id, "/after").await;

    let route = format!("/outbound-integrations/{id}?orgId={ORG}");
    assert!(api.call(Method::DELETE, &route, None).await.status.is_success());
    let unmatched = "&reason=NO_MATCH";
    eventually_within(IN_FORCE, "the deletion is in force", async || {
        setup.queue.insert(QueueRow::new(ORG, "lab")).await;
        !api.list(ORG, "events", "events", unmatched).await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_continue_without_the_gateway_and_changes_resume_with_it() {
    let mut setup = setup().await;
    let url = setup.receiver.url("/before");
    let id = setup.stack.api.integration(ORG, "lab", &url, json!({})).await;
    is_delivered(&setup, "while all is well").await;

    setup.stack.gateway.kill();
    for row in ["as the gateway went", "while it is away", "and still"] {
        is_delivered(&setup, row).await;
    }
    assert_eq!(setup.worker.probe("/livez").await, Some(200));

    setup.stack.gateway.start_again().await;
    is_delivered(&setup, "when it is back").await;
    is_retargeted(&setup, &id, "/after").await;
}
