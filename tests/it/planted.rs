//! Plants secrets of every kind and searches for them in everything that the system emits.

use http::{Method, StatusCode};
use ig_testkit::wait::eventually;
use serde_json::{Value, json};

use crate::api::Api;
use crate::setup::{ORG, Setup, setup_loudly};

/// The marker in every secret that a client chooses.
const MARK: &str = "planted7c1f";
/// Base64 cannot hold the marker as text, so the tests search for the whole secret.
const SIGNING: &str = "cGxhbnRlZDdjMWZwbGFudGVkN2MxZnBsYW50ZWQ3YzFm";

fn secret(what: &str) -> String {
    format!("{MARK}-of-a-{what}")
}

/// A document for every field that takes a secret, by the route that creates it.
fn documents(target: &str) -> Vec<(&'static str, Value)> {
    let outgoing = [
        json!({"outgoingAuthType": "API_KEY", "outgoingAuthConfig": {"headerName": "X-Key", "apiKey": secret("key")}}),
        json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": secret("token")}}),
        json!({"outgoingAuthType": "BASIC", "outgoingAuthConfig": {"username": "ada", "password": secret("password")}}),
        json!({
            "outgoingAuthType": "OAUTH2",
            "outgoingAuthConfig": {"tokenUrl": "http://127.0.0.1:1/", "clientId": "c", "clientSecret": secret("client")},
        }),
        json!({"outgoingAuthType": "CUSTOM_HEADERS", "outgoingAuthConfig": {"headers": {"X-Anything": secret("header")}}}),
        json!({"customHeaders": {"X-Auth-Token": secret("custom")}, "signing": {"enabled": true, "secrets": [format!("whsec_{SIGNING}")]}}),
    ];
    let incoming = [
        json!({"inboundAuthType": "API_KEY", "inboundAuthConfig": {"headerName": "X-Key", "apiKey": secret("caller-key")}}),
        json!({"inboundAuthType": "BEARER", "inboundAuthConfig": {"token": secret("caller-token")}}),
        json!({"inboundAuthType": "BASIC", "inboundAuthConfig": {"username": "ada", "password": secret("caller-password")}}),
        json!({"inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": [format!("whsec_{SIGNING}")]}}),
    ];
    let connection = format!("mongodb://u:{}@db.invalid", secret("connection"));
    let sources = [
        json!({"type": "MONGODB", "connectionString": connection, "database": "d", "collection": "c"}),
        json!({"type": "API", "url": "https://api.invalid/", "headers": {"Authorization": secret("source")}}),
    ];
    let mut documents = Vec::new();
    for (number, fields) in outgoing.iter().enumerate() {
        let hook = json!({"name": format!("Hook {number}"), "eventType": "order", "targetUrl": target});
        documents.push(("outbound-integrations", with(&hook, fields)));
    }
    for (number, fields) in outgoing.iter().chain(&incoming).enumerate() {
        let call = json!({"type": format!("call-{number}"), "name": "Call", "targetUrl": "https://api.invalid/"});
        documents.push(("inbound-integrations", with(&call, fields)));
    }
    for (number, (fields, source)) in outgoing.iter().zip(sources.iter().cycle()).enumerate() {
        let job = json!({
            "name": format!("Job {number}"), "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
            "dataSource": source,
        });
        documents.push(("scheduled-jobs", with(&job, fields)));
    }
    documents
}

fn with(document: &Value, fields: &Value) -> Value {
    let fields = [document, fields].map(|value| value.as_object().expect("an object").clone());
    Value::Object(fields.into_iter().flatten().collect())
}

/// Creates, changes, reads, tries out and deletes a resource, and provokes errors with the secret in the request.
async fn used(api: &Api, kind: &str, document: &Value) {
    let made = api.post(&format!("/{kind}?orgId={ORG}"), document).await;
    let path = format!("/{kind}/{}", made["id"].as_str().expect("an id"));
    let at = |more: &str| format!("{path}{more}?orgId={ORG}");
    let wrong = with(document, &json!({"name": 7, "targetUrl": "no address"}));
    for (method, route, body, expected) in [
        (Method::PATCH, at(""), Some(json!({"name": "Renamed"})), StatusCode::OK),
        (Method::PUT, at(""), Some(document.clone()), StatusCode::OK),
        (Method::PUT, at(""), Some(wrong), StatusCode::BAD_REQUEST),
        (Method::GET, at(""), None, StatusCode::OK),
    ] {
        let answer = api.call(method, &route, body.as_ref()).await;
        assert_eq!(answer.status, expected, "{route}: {}", answer.body);
    }
    if kind == "outbound-integrations" {
        let test = api
            .call(Method::POST, &at("/test"), Some(&json!({"payload": {"id": 1}})))
            .await;
        assert!(
            !test.status.is_server_error() || test.status == StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            test.body
        );
    }
}

/// Runs through the life of a person and of a key. Returns the secrets that the gateway generated.
async fn lived(api: &Api) -> Vec<String> {
    let (first, second) = (secret("person-0123456789"), secret("person-9876543210"));
    let person = json!({"email": "ada@x.example", "role": "USER", "orgId": ORG, "access": "WRITE", "password": first});
    api.post("/admin/users", &person).await;
    let login = |password: &str| json!({"email": "ada@x.example", "password": password});
    let refused = api.call(Method::POST, "/auth/login", Some(&login(&secret("guess")))).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let begun = api.post("/auth/login", &login(&first)).await;
    let token = begun["token"].as_str().expect("a token").to_owned();
    let ada = api.bearing(&token);
    ada.get("/auth/me").await;
    let change = json!({"currentPassword": first, "newPassword": second});
    ada.post("/auth/password", &change).await;
    ada.post("/auth/logout", &json!({})).await;
    assert_eq!(ada.call(Method::GET, "/auth/me", None).await.status, StatusCode::UNAUTHORIZED);
    let made = api
        .post("/admin/api-keys", &json!({"name": "k", "orgId": ORG, "scopes": ["read"]}))
        .await;
    let key = made["key"].as_str().expect("a key").to_owned();
    api.keyed(&key).get(&format!("/logs?orgId={ORG}")).await;
    let revoked = api
        .call(
            Method::DELETE,
            &format!("/admin/api-keys/{}", made["id"].as_str().expect("an id")),
            None,
        )
        .await;
    assert!(revoked.status.is_success());
    // Only the signature of a token is secret; its session identifier is in the database and nowhere else.
    vec![token.rsplit('.').next().expect("three parts").to_owned(), key]
}

/// Every entry of the audit log in full.
async fn audited(api: &Api) -> Vec<(String, String)> {
    let listed = api.get("/admin/audit-logs?limit=500").await;
    let entries = listed["auditLogs"].as_array().expect("a list").clone();
    let mut told = vec![("the audit log".to_owned(), listed.to_string())];
    for entry in entries {
        let path = format!("/admin/audit-logs/{}", entry["id"].as_str().expect("an id"));
        told.push((path.clone(), api.get(&path).await.to_string()));
    }
    told
}

async fn emitted(setup: &Setup) -> Vec<(String, String)> {
    let mut emitted = audited(&setup.stack.api).await;
    for (name, process) in [("the gateway", &setup.stack.gateway), ("the worker", &setup.worker)] {
        emitted.push((format!("what {name} says"), process.said()));
        emitted.push((format!("what {name} measures"), process.metrics().await));
    }
    emitted
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_appear_in_no_log_line_metric_or_audit_log() {
    let setup = setup_loudly().await;
    let api = &setup.stack.api;
    let documents = documents(&setup.receiver.url("/hook"));
    for (kind, document) in &documents {
        used(api, kind, document).await;
    }
    let mut secrets = lived(api).await;
    secrets.extend([MARK, SIGNING].map(str::to_owned));
    let exported = api.get(&format!("/configuration?orgId={ORG}")).await;
    api.post(&format!("/configuration/apply?orgId={ORG}&dryRun=true"), &exported)
        .await;
    api.post(
        &format!("/events?orgId={ORG}"),
        &json!({"eventType": "order", "payload": {"id": 1}}),
    )
    .await;
    eventually("what has a target was delivered there", async || {
        setup
            .receiver
            .requests()
            .iter()
            .any(|request| request.header("authorization").is_some_and(|value| value.contains(MARK)))
    })
    .await;

    let emitted = emitted(&setup).await;
    assert!(
        emitted.len() > 3 * documents.len(),
        "each was made and changed twice: {}",
        emitted.len()
    );
    let said = setup.stack.gateway.said();
    assert!(
        said.contains("TRACE") && said.contains("/api/v1/auth/login"),
        "it says all that it can: {said:.2000}"
    );
    for (what, text) in emitted {
        for secret in &secrets {
            assert!(!text.contains(secret), "{what} has {secret}: {}", around(&text, secret));
        }
    }
}

/// The text around an occurrence.
fn around<'a>(text: &'a str, sought: &str) -> &'a str {
    text.lines().find(|line| line.contains(sought)).unwrap_or(text)
}
