//! The circuit breaker holds deliveries after five failures in a row, and so does a person's pause. Neither drops them.

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup, setup_with};
use crate::stack::port;

async fn integration(api: &Api, id: &str) -> Value {
    api.get(&format!("/outbound-integrations/{id}?orgId={ORG}")).await
}

async fn until_held(api: &Api, id: &str, cause: &str) {
    eventually("the integration is held", async || {
        let shown = integration(api, id).await;
        shown["isActive"] == false && shown["hold"]["cause"] == cause
    })
    .await;
}

async fn entries(api: &Api, reason: &str) -> Vec<Value> {
    let all = api.list(ORG, "dlq", "entries", "").await;
    all.into_iter().filter(|entry| entry["reason"] == reason).collect()
}

async fn insert(setup: &Setup, event_type: &str, number: usize) {
    let row = QueueRow::new(ORG, event_type).json(&json!({"number": number}));
    setup.queue.insert(row).await;
}

/// Inserts a row and waits for its log.
async fn settle(setup: &Setup, inserted: &mut usize) {
    let payload = json!({"number": *inserted});
    settle_with(setup, inserted, &payload).await;
}

/// The same with a payload. Returns the status of the log.
async fn settle_with(setup: &Setup, inserted: &mut usize, payload: &Value) -> String {
    setup.queue.insert(QueueRow::new(ORG, "order").json(payload)).await;
    *inserted += 1;
    let mut logs = Vec::new();
    eventually("it has come to something", async || {
        logs = setup.stack.api.list(ORG, "logs", "logs", "").await;
        logs.len() == *inserted
    })
    .await;
    logs[0]["status"].as_str().expect("a status").to_owned()
}

async fn switch(api: &Api, id: &str, how: &str) {
    api.post(&format!("/outbound-integrations/{id}/{how}?orgId={ORG}"), &json!({}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn breaker_opens_after_five_failures_across_two_workers_and_holds_later_deliveries() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let _other = setup.stack.worker(&setup.queue).await;
    setup.receiver.always("/hook", Answer::status(500));
    let more = json!({"retryCount": 1});
    let id = api.integration(ORG, "*", &setup.receiver.url("/hook"), more).await;

    for number in 0..5 {
        // Separate event types, so that both workers receive some.
        insert(&setup, &format!("type-{number}"), number).await;
    }
    until_held(api, &id, "CIRCUIT_OPEN").await;
    assert_eq!(setup.receiver.count(), 5);
    let shown = integration(api, &id).await;
    let reason = shown["hold"]["reason"].as_str().unwrap();
    assert!(reason.contains("5 deliveries failed in a row"), "{reason}");

    // A worker sends rows until it knows that the breaker is open.
    let mut number = 5;
    eventually("what follows is held", async || {
        insert(&setup, &format!("type-{number}"), number).await;
        number += 1;
        entries(api, "CIRCUIT_OPEN").await.len() >= 3
    })
    .await;
    let asked = setup.receiver.count();
    for entry in entries(api, "CIRCUIT_OPEN").await {
        assert_eq!(
            (entry["status"].as_str(), entry["attemptCount"].as_i64()),
            (Some("PENDING_RETRY"), Some(0))
        );
    }

    setup.receiver.always("/hook", Answer::status(200));
    switch(api, &id, "enable").await;
    let shown = integration(api, &id).await;
    assert_eq!((shown["isActive"].as_bool(), shown.get("hold")), (Some(true), None));
    // A worker holds rows until it knows that the integration is enabled again.
    eventually("what follows is sent", async || {
        insert(&setup, "type-8", 1_000).await;
        setup.receiver.count() > asked
    })
    .await;
    let sent = setup.receiver.requests().split_off(usize::try_from(asked).unwrap());
    assert_eq!(sent[0].json(), json!({"number": 1_000}));
}

#[tokio::test(flavor = "multi_thread")]
async fn breaker_counts_failures_anew_after_a_success() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let failed = || Answer::status(500);
    let mut answers: Vec<Answer> = (0..4).map(|_| failed()).collect();
    answers.push(Answer::status(200));
    answers.extend((0..4).map(|_| failed()));
    setup.receiver.script("/hook", answers);
    let id = api
        .integration(ORG, "order", &setup.receiver.url("/hook"), json!({"retryCount": 1}))
        .await;
    for number in 0..9 {
        insert(&setup, "order", number).await;
    }
    setup.receiver.wait_for(9).await;
    insert(&setup, "order", 9).await;
    setup.receiver.wait_for(10).await;
    let shown = integration(api, &id).await;
    assert_eq!((shown["isActive"].as_bool(), shown.get("hold")), (Some(true), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_integration_holds_deliveries_and_a_draft_matches_nothing() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let id = api.integration(ORG, "order", &setup.receiver.url("/paused"), json!({})).await;
    let draft = json!({"isActive": false});
    api.integration(ORG, "order", &setup.receiver.url("/draft"), draft).await;
    switch(api, &id, "disable").await;
    until_held(api, &id, "PAUSED").await;
    let mut inserted = 0;
    while entries(api, "PAUSED").await.is_empty() {
        settle(&setup, &mut inserted).await;
    }
    let (sent, held) = (setup.receiver.count(), entries(api, "PAUSED").await.len());
    settle(&setup, &mut inserted).await;
    assert_eq!((setup.receiver.count(), entries(api, "PAUSED").await.len()), (sent, held + 1));
    assert!(setup.receiver.requests_to("/draft").is_empty());
    let all = api.list(ORG, "dlq", "entries", "").await;
    assert!(all.iter().all(|entry| entry["integrationConfigId"] == id.as_str()), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn breaker_probe_detects_that_the_target_has_recovered() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(503));
    let more = json!({"retryCount": 1, "breaker": {"probeAfterSeconds": 1}});
    let id = api.integration(ORG, "order", &setup.receiver.url("/hook"), more).await;
    let mut inserted = 0;
    for _ in 0..5 {
        settle(&setup, &mut inserted).await;
    }
    until_held(api, &id, "CIRCUIT_OPEN").await;
    setup.receiver.always("/hook", Answer::status(200));
    while integration(api, &id).await["isActive"] == false {
        settle(&setup, &mut inserted).await;
    }
    let failed = entries(api, "ATTEMPTS_EXHAUSTED").await;
    assert_eq!(failed.len(), 5, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_breaker_alerts_once_although_the_alerter_was_away_and_the_worker_died() {
    let at = format!("127.0.0.1:{}", port());
    let mut setup = setup_with(&[("IG__SERVICES__ALERTER", &at)]).await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(500));
    let url = setup.receiver.url("/hook");
    let id = api.integration(ORG, "order", &url, json!({"retryCount": 1})).await;
    for number in 0..7 {
        insert(&setup, "order", number).await;
    }
    until_held(api, &id, "CIRCUIT_OPEN").await;
    eventually("what follows is held", async || entries(api, "CIRCUIT_OPEN").await.len() == 2).await;
    // The alerter was away at the time, and the worker that knew about it is killed.
    setup.worker.kill();
    let alerter = setup.stack.spawn_service("ig-alerter", &[("IG__GRPC__LISTEN", &at)]);
    alerter.wait_until_ready().await;

    let alerts = setup.mongo.open().await.collection::<Document>("alert_center_logs");
    let ours = || alerts.find_one(doc! { "orgId": ORG, "kind": "circuit-open", "key": &id });
    eventually("the alert is kept", async || ours().await.unwrap().is_some()).await;
    let alert = ours().await.unwrap().expect("it is kept");
    assert_eq!(
        (alert.get_str("severity").ok(), alert.get_i64("count").ok()),
        (Some("CRITICAL"), Some(1))
    );
    let message = alert.get_str("message").expect("a message");
    for words in [
        format!("order to {url}").as_str(),
        "5 deliveries failed in a row",
        "enable it again",
    ] {
        assert!(message.contains(words), "{words} in {message}");
    }
    eventually("the alerter says so", async || alerter.said().contains("circuit-open")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn breaker_probe_that_sends_nothing_passes_to_the_next_delivery() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/hook", Answer::status(503));
    let script = "return payload.nothing ? null : payload";
    let more = json!({
        "retryCount": 1, "breaker": {"probeAfterSeconds": 1}, "transformationMode": "SCRIPT", "transformScript": script,
    });
    let id = api.integration(ORG, "order", &setup.receiver.url("/hook"), more).await;
    let mut inserted = 0;
    for _ in 0..5 {
        settle(&setup, &mut inserted).await;
    }
    until_held(api, &id, "CIRCUIT_OPEN").await;
    setup.receiver.always("/hook", Answer::status(200));
    // Rows are held until a probe is due. The probe itself runs the script and is skipped.
    while settle_with(&setup, &mut inserted, &json!({"nothing": true})).await != "SKIPPED" {}
    let next = settle_with(&setup, &mut inserted, &json!({"nothing": false})).await;
    assert_eq!(next, "SUCCESS", "it is the next probe, with no lease to wait for");
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_integration_skips_actions_whose_condition_is_not_met() {
    let setup = setup().await;
    let api = &setup.stack.api;
    let url = setup.receiver.url("/hook");
    let conditions = [
        ("script", json!("payload.wanted.yes === true")),
        ("filter", json!({"field": "wanted.yes", "eq": true})),
    ];
    let actions = conditions.map(|(name, condition)| json!({"name": name, "condition": condition}));
    let id = api.integration(ORG, "order", &url, json!({"actions": actions})).await;
    switch(api, &id, "disable").await;
    until_held(api, &id, "PAUSED").await;
    let mut inserted = 0;
    let mut settle = async |payload: Value| {
        setup.queue.insert(QueueRow::new(ORG, "order").json(&payload)).await;
        inserted += 1;
        eventually("both actions have come to something", async || {
            api.list(ORG, "logs", "logs", "").await.len() == 2 * inserted
        })
        .await;
    };
    // Until the worker knows about the pause.
    while entries(api, "PAUSED").await.is_empty() {
        settle(json!({"wanted": {"yes": true}})).await;
    }
    let (sent, held) = (setup.receiver.count(), entries(api, "PAUSED").await.len());
    settle(json!({"wanted": {"yes": false}})).await;
    settle(json!({})).await;
    let skipped = api.list(ORG, "logs", "logs", "&status=SKIPPED").await.len();
    // Without `wanted` the script throws, which may be the reason for the pause.
    assert_eq!((skipped, entries(api, "PAUSED").await.len()), (3, held + 1));
    assert_eq!(setup.receiver.count(), sent);
}
