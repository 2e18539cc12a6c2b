//! Inbound calls in a system of processes: retries, common HTTP clients, and a replica that shuts down.

mod balancer;
mod callers;
mod clients;

use ig_testkit::receiver::{Answer, Receiver};
use ig_testkit::wait::{eventually, eventually_within};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::redelivery::SOON;
use crate::redelivery::ground::{Ground, ORG};
use crate::stack::Stack;
use balancer::Balancer;
use callers::Callers;

async fn inbound(stack: &Stack, org: i64, url: &str, fields: Value) -> String {
    let mut body = json!({"type": "t", "name": "T", "targetUrl": url, "retryCount": 1});
    if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
        body.extend(fields);
    }
    let made = stack.api.post(&format!("/inbound-integrations?orgId={org}"), &body).await;
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_call_is_retried_automatically_with_the_same_body_key_and_log() {
    let ground = Ground::looking_every(1).await;
    let mapped = json!({
        "allowedMethods": ["POST"], "pathSuffix": true,
        "requestFieldMappings": [{"sourceField": "a", "targetField": "b"}],
        "outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": "t0ken-of-the-target"},
    });
    inbound(&ground.stack, ORG, &ground.receiver.url("/api"), mapped).await;
    ground.receiver.script("/api/x", [Answer::status(500), Answer::status(500)]);
    let (path, key) = (format!("/integrations/t/x?orgId={ORG}&q=1"), [("idempotency-key", "k-1")]);
    let failed = ground.stack.api.call_with("POST", &path, &key, r#"{"a":1}"#).await;
    assert_eq!(failed.status.as_u16(), 502, "{failed:?}");
    let mut log = Value::Null;
    eventually_within(SOON, "it is delivered", async || {
        let logs = ground.stack.api.list(ORG, "logs", "logs", "&direction=INBOUND").await;
        log = logs.first().cloned().unwrap_or_default();
        log["status"] == "SUCCESS"
    })
    .await;
    assert_eq!(
        (&log["attemptCount"], &log["direction"]),
        (&json!(3), &json!("INBOUND")),
        "{log}"
    );
    let requests = ground.receiver.requests_to("/api/x");
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(
            (&request.body[..], request.query.as_deref()),
            (br#"{"b":1}"#.as_slice(), Some("q=1"))
        );
        assert_eq!(request.header("idempotency-key"), Some("k-1"));
        assert_eq!(request.header("authorization"), Some("Bearer t0ken-of-the-target"));
    }
    let entries = ground.stack.api.list(ORG, "dlq", "entries", "").await;
    assert!(entries.len() == 1 && entries[0]["status"] == "RESOLVED", "{entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replica_shutting_down_under_load_fails_no_call() {
    let mongo = ig_testkit::mongo::database();
    let drain = ("IG__HTTP__DRAIN_MS", "1500");
    let stack = Stack::start_with(&mongo, &[drain]).await;
    let (mut other, other_at) = stack.gateway_beside(&[drain]).await;
    let target = Receiver::counting();
    target.always("/", Answer::status(200).body("fine"));
    stack.api.org(ORG).await;
    inbound(&stack, ORG, &target.url("/"), json!({"logLevel": "FULL"})).await;
    eventually("the other replica knows", async || {
        other_at.call_with("POST", &path(), &[], "{}").await.status == 200
    })
    .await;
    let balancer = Balancer::start([stack.api.authority(), other_at.authority()]).await;
    let callers = Callers::start(balancer.address(), &path(), stack.api.key(), 8);
    eventually("calls go through", async || callers.answered() > 200).await;
    other.signal(Signal::TERM);
    assert!(other.ended().await.success());
    let so_far = callers.answered();
    eventually("calls go on", async || callers.answered() > so_far + 200).await;
    let (answered, failed) = callers.stop().await;
    assert!(failed.is_empty(), "{answered} were answered, and these failed: {failed:?}");
    eventually_within(SOON, "each has a log", async || {
        let figures = stack.api.get(&format!("/analytics/summary?orgId={ORG}")).await;
        figures["total"].as_u64().is_some_and(|total| total >= answered)
    })
    .await;
}

fn path() -> String {
    format!("/integrations/t?orgId={ORG}")
}
