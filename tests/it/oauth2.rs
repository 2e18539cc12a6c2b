//! Deliveries with an OAuth 2.0 token from a token endpoint.

use ig_testkit::mysql::QueueRow;
use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::setup::{ORG, Setup, setup};

const SECRET: &str = "planted-client-secret";

fn oauth2(setup: &Setup, path: &str) -> Value {
    json!({
        "outgoingAuthType": "OAUTH2",
        "outgoingAuthConfig": {"tokenUrl": setup.receiver.url(path), "clientId": "gateway", "clientSecret": SECRET},
    })
}

fn grants(token: &str) -> Answer {
    let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 3600});
    Answer::status(200).body(body.to_string())
}

async fn last_log(setup: &Setup, status: &str) -> Value {
    let api = &setup.stack.api;
    eventually("it is logged", async || {
        let logs = api.list(ORG, "logs", "logs", "").await;
        logs.first().is_some_and(|log| log["status"] == status)
    })
    .await;
    let id = api.list(ORG, "logs", "logs", "").await[0]["id"].as_str().unwrap().to_owned();
    api.get(&format!("/logs/{id}?orgId={ORG}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn token_refused_once_is_one_refresh_and_one_delivery() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.script("/token", [grants("token-old"), grants("token-new")]);
    setup.receiver.script("/hook", [Answer::status(401), Answer::status(200)]);
    let id = api
        .integration(ORG, "order", &setup.receiver.url("/hook"), oauth2(&setup, "/token"))
        .await;
    let shown = api.get(&format!("/outbound-integrations/{id}?orgId={ORG}")).await;
    assert!(!shown.to_string().contains(SECRET), "{shown}");
    setup.queue.insert(QueueRow::new(ORG, "order")).await;

    let log = last_log(&setup, "SUCCESS").await;
    assert_eq!(log["attempts"].as_array().map(Vec::len), Some(2));
    let sent = setup.receiver.requests_to("/hook");
    let tokens: Vec<_> = sent.iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(tokens, ["Bearer token-old", "Bearer token-new"]);
    assert_eq!(setup.receiver.requests_to("/token").len(), 2);
    for secret in ["token-old", "token-new", SECRET] {
        assert!(!log.to_string().contains(secret), "{secret}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_refused_twice_fails_the_delivery_permanently() {
    let setup = setup().await;
    let api = &setup.stack.api;
    setup.receiver.always("/token", grants("token"));
    setup.receiver.always("/hook", Answer::status(403));
    api.integration(ORG, "order", &setup.receiver.url("/hook"), oauth2(&setup, "/token"))
        .await;
    setup.queue.insert(QueueRow::new(ORG, "order")).await;
    let log = last_log(&setup, "FAILED").await;
    assert_eq!(
        (log["errorCategory"].as_str(), log["attemptCount"].as_i64()),
        (Some("AUTH"), Some(2))
    );
    let entries = api.list(ORG, "dlq", "entries", "").await;
    assert_eq!((entries.len(), entries[0]["status"].as_str()), (1, Some("ABANDONED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_or_unexpected_token_settings_are_reported_by_name() {
    let setup = setup().await;
    let body = json!({
        "name": "n", "eventType": "order", "targetUrl": setup.receiver.url("/x"),
        "outgoingAuthType": "OAUTH2", "outgoingAuthConfig": {"tokenUrl": "ftp://x", "clientId": "", "token": "t", "scope": ""},
    });
    let path = format!("/outbound-integrations?orgId={ORG}");
    let answer = setup.stack.api.call(http::Method::POST, &path, Some(&body)).await;
    let text = answer.body.to_string();
    for key in ["tokenUrl", "clientId", "clientSecret", "token", "scope"] {
        assert!(text.contains(&format!("/outgoingAuthConfig/{key}\"")), "{key}: {text}");
    }
    let private = json!({
        "name": "n", "eventType": "order", "targetUrl": setup.receiver.url("/x"), "outgoingAuthType": "OAUTH2",
        "outgoingAuthConfig": {"tokenUrl": "http://169.254.169.254/token", "clientId": "a", "clientSecret": "b"},
    });
    let answer = setup.stack.api.call(http::Method::POST, &path, Some(&private)).await;
    assert!(
        answer.body.to_string().contains("/outgoingAuthConfig/tokenUrl"),
        "{}",
        answer.body
    );
}
