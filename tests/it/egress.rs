//! The egress guard refuses forbidden targets, both when an integration is saved and when an event is delivered.

use http::{Method, StatusCode};
use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Receiver;
use ig_testkit::wait::eventually;
use serde_json::json;

use crate::api::{Answer, Api};
use crate::setup::{ORG, setup_with};
use crate::stack::Stack;

const ALLOW: &str = "IG__SECURITY__EGRESS__ALLOW";

/// Saves an integration with this target.
async fn save(api: &Api, url: &str) -> Answer {
    let body = json!({"name": url, "eventType": "lab", "targetUrl": url});
    let path = format!("/outbound-integrations?orgId={ORG}");
    api.call(Method::POST, &path, Some(&body)).await
}

async fn is_refused(api: &Api, url: &str) {
    let answer = save(api, url).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{url}: {}", answer.body);
    let faults = answer.body["details"].as_array().expect("the faults");
    let pointers: Vec<_> = faults.iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/targetUrl"], "{url}");
}

/// A gateway that allows these networks.
async fn stack_that_allows(allow: &str) -> (ig_testkit::mongo::TestDatabase, Stack) {
    let mongo = ig_testkit::mongo::database();
    let stack = Stack::start_with(&mongo, &[(ALLOW, allow)]).await;
    stack.api.org(ORG).await;
    (mongo, stack)
}

#[tokio::test(flavor = "multi_thread")]
async fn private_targets_are_refused_on_save_in_every_spelling() {
    let (_mongo, stack) = stack_that_allows("").await;
    let receiver = Receiver::start();
    for url in [
        receiver.url("/hook").as_str(),
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
    ] {
        is_refused(&stack.api, url).await;
    }
    assert_eq!(save(&stack.api, "http://8.8.8.8/").await.status, StatusCode::CREATED);
    assert_eq!(receiver.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_addresses_stay_blocked_in_an_allowed_network() {
    let (_mongo, stack) = stack_that_allows("169.254.0.0/16").await;
    assert_eq!(save(&stack.api, "http://169.254.1.1/").await.status, StatusCode::CREATED);
    for url in [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://0xa9fea9fe/",
    ] {
        is_refused(&stack.api, url).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn target_blocked_after_saving_receives_nothing_and_the_event_is_abandoned() {
    let setup = setup_with(&[(ALLOW, "")]).await;
    let api = &setup.stack.api;
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    setup.queue.insert(QueueRow::new(ORG, "lab")).await;

    eventually("the delivery is logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == 1
    })
    .await;
    let log = &api.list(ORG, "logs", "logs", "").await[0];
    assert_eq!((&log["status"], &log["errorCategory"]), (&json!("FAILED"), &json!("BLOCKED")));
    let entries = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["status"], &entries[0]["errorCategory"]),
        (&json!("ABANDONED"), &json!("BLOCKED"))
    );
    assert_eq!(setup.receiver.count(), 0);
}
