//! A row becomes a signed webhook, and its delivery log shows the result.

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, setup};

async fn logs(api: &Api, count: usize) -> Vec<Value> {
    eventually("the deliveries are logged", async || {
        api.list(ORG, "logs", "logs", "").await.len() == count
    })
    .await;
    let mut whole = Vec::new();
    for log in api.list(ORG, "logs", "logs", "").await {
        whole.push(api.get(&format!("/logs/{}?orgId={ORG}", log["id"].as_str().unwrap())).await);
    }
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn row_is_delivered_once_signed_and_logged() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let id = api
        .integration(
            ORG,
            "appointment-created",
            &setup.receiver.url("/hook"),
            json!({"signing": {"enabled": true, "secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]}}),
        )
        .await;
    setup
        .queue
        .insert(QueueRow::new(ORG, "appointment-created").json(&json!({"id": 7, "patient": "P-1"})))
        .await;

    let received = setup.receiver.wait_for(1).await;
    assert_eq!(received[0].json(), json!({"id": 7, "patient": "P-1"}));
    for header in [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-correlation-id",
        "traceparent",
    ] {
        assert!(received[0].header(header).is_some(), "{header} in {received:?}");
    }
    let log = &logs(api, 1).await[0];
    assert_eq!(log["status"], "SUCCESS");
    assert_eq!(log["integrationConfigId"], id.as_str());
    assert_eq!(log["originalPayload"], json!({"id": 7, "patient": "P-1"}));
    assert_eq!(log["messageId"].as_str(), received[0].header("webhook-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_failing_twice_is_three_requests_and_one_log() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup
        .receiver
        .script("/hook", [Answer::status(500), Answer::status(500), Answer::status(200)]);
    api.integration(ORG, "lab-result", &setup.receiver.url("/hook"), json!({}))
        .await;
    setup.queue.insert(QueueRow::new(ORG, "lab-result")).await;

    let received = setup.receiver.wait_for(3).await;
    let ids: Vec<_> = received.iter().map(|request| request.header("webhook-id").unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let log = &logs(api, 1).await[0];
    assert_eq!(
        (log["status"].as_str(), log["attemptCount"].as_i64()),
        (Some("SUCCESS"), Some(3))
    );
    assert_eq!(log["attempts"].as_array().map(Vec::len), Some(3));
    assert!(api.list(ORG, "dlq", "entries", "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_failing_every_attempt_is_three_attempts_and_one_dead_letter() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(500));
    api.integration(ORG, "lab-result", &setup.receiver.url("/hook"), json!({}))
        .await;
    setup.queue.insert(QueueRow::new(ORG, "lab-result")).await;

    let log = &logs(api, 1).await[0];
    assert_eq!(
        (log["status"].as_str(), log["attemptCount"].as_i64()),
        (Some("RETRYING"), Some(3))
    );
    let entries = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0]["status"].as_str(), entries[0]["errorCategory"].as_str()),
        (Some("PENDING_RETRY"), Some("SERVER_ERROR"))
    );
    assert_eq!(setup.receiver.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_refused_with_400_is_one_attempt_and_one_abandoned_dead_letter() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup
        .receiver
        .always("/hook", Answer::status(400).body("{\"error\":\"no such patient\"}"));
    api.integration(ORG, "lab-result", &setup.receiver.url("/hook"), json!({}))
        .await;
    setup.queue.insert(QueueRow::new(ORG, "lab-result")).await;

    let log = &logs(api, 1).await[0];
    assert_eq!(
        (log["status"].as_str(), log["attemptCount"].as_i64()),
        (Some("FAILED"), Some(1))
    );
    let entries = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!((entries.len(), entries[0]["status"].as_str()), (1, Some("ABANDONED")));
    assert_eq!(setup.receiver.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_event_is_found_by_the_clients_own_identifier() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(400));
    api.integration(ORG, "lab", &setup.receiver.url("/hook"), json!({})).await;
    let tomorrow = json!({"schedulingMode": "DELAYED", "schedulingConfig": {"delaySeconds": 86_400}});
    api.integration(ORG, "lab", &setup.receiver.url("/later"), tomorrow).await;
    for id in ["my-id", "another"] {
        let event = json!({"id": id, "eventType": "lab", "payload": {"of": id}});
        api.post(&format!("/events?orgId={ORG}"), &event).await;
    }
    setup.receiver.wait_for(2).await;

    for (resource, plural) in [
        ("logs", "logs"),
        ("execution-logs", "executionLogs"),
        ("dlq", "entries"),
        ("events", "events"),
        ("scheduled-integrations", "scheduledIntegrations"),
    ] {
        for name in ["my-id".to_owned(), format!("{ORG}:my-id")] {
            eventually(&format!("{resource} tells of {name}"), async || {
                api.list(ORG, resource, plural, &format!("&eventId={name}")).await.len() == 1
            })
            .await;
        }
        let none = api.list(ORG, resource, plural, "&eventId=my").await;
        assert!(none.is_empty(), "{resource}: {none:?}");
    }
}
