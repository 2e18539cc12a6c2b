//! Plants a secret in every field that takes one, and searches for it in everything that the gateway answers and stores.

use serde_json::{Value, json};

use crate::api::{Api, merged, minimal_integration, user};
use crate::rights::operations;

/// The marker in every secret.
const MARK: &str = "planted7c1f";

fn signing_secret() -> String {
    // A signing secret is Base64, so it cannot hold the marker as text; the test searches for the whole secret.
    "whsec_cGxhbnRlZDdjMWZwbGFudGVkN2MxZnBsYW50ZWQ3YzFm".to_owned()
}

fn secret(what: &str) -> String {
    format!("{MARK}-{what}")
}

/// A document for every field that takes a secret, by the route that creates it.
fn documents() -> Vec<(&'static str, Value)> {
    let outgoing = [
        json!({"outgoingAuthType": "API_KEY", "outgoingAuthConfig": {"headerName": "X-Key", "apiKey": secret("key")}}),
        json!({"outgoingAuthType": "BEARER", "outgoingAuthConfig": {"token": secret("token")}}),
        json!({"outgoingAuthType": "BASIC", "outgoingAuthConfig": {"username": "ada", "password": secret("password")}}),
        json!({
            "outgoingAuthType": "OAUTH2",
            "outgoingAuthConfig": {"tokenUrl": "https://login.invalid/", "clientId": "c", "clientSecret": secret("client")},
        }),
        json!({"outgoingAuthType": "CUSTOM_HEADERS", "outgoingAuthConfig": {"headers": {"X-Anything": secret("header")}}}),
        json!({"customHeaders": {"X-Auth-Token": secret("custom")}, "signing": {"enabled": true, "secrets": [signing_secret()]}}),
    ];
    let inbound = [
        json!({"inboundAuthType": "API_KEY", "inboundAuthConfig": {"headerName": "X-Key", "apiKey": secret("in-key")}}),
        json!({"inboundAuthType": "BEARER", "inboundAuthConfig": {"token": secret("in-token")}}),
        json!({"inboundAuthType": "BASIC", "inboundAuthConfig": {"username": "ada", "password": secret("in-password")}}),
        json!({"inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": [signing_secret()]}}),
    ];
    let job = json!({
        "name": "Job", "targetUrl": "https://receiver.invalid/", "schedule": {"type": "INTERVAL", "intervalMs": 60_000},
        "dataSource": {"type": "SQL", "query": "SELECT 1"},
    });
    let sources = [
        json!({
            "type": "MONGODB", "connectionString": format!("mongodb://u:{}@db.invalid", secret("mongo")), "database": "d", "collection": "c",
        }),
        json!({"type": "API", "url": "https://api.invalid/", "headers": {"Authorization": secret("source")}}),
    ];
    let call = |number: usize| json!({"type": format!("call-{number}"), "name": "Call", "targetUrl": "https://api.invalid/"});
    let mut documents = Vec::new();
    for (number, fields) in outgoing.into_iter().enumerate() {
        documents.push(("outbound-integrations", merged(minimal_integration(), fields.clone())));
        documents.push(("inbound-integrations", merged(call(number), fields.clone())));
        documents.push(("scheduled-jobs", merged(job.clone(), fields)));
    }
    for (number, fields) in inbound.into_iter().enumerate() {
        documents.push(("inbound-integrations", merged(call(100 + number), fields)));
    }
    for source in sources {
        documents.push(("scheduled-jobs", merged(job.clone(), json!({ "dataSource": source }))));
    }
    documents
}

fn assert_hidden(text: &str, what: &str) {
    assert!(!text.contains(MARK), "{what} shows a secret: {text}");
    assert!(
        !text.contains(&signing_secret()[6..]),
        "{what} shows a signing secret: {text}"
    );
}

#[tokio::test]
async fn planted_secrets_appear_in_no_response_and_no_stored_document() {
    let api = Api::start().await;
    api.org(10).await;
    let mut ids = Vec::new();
    for (kind, document) in documents() {
        let made = api.post(&format!("/{kind}?orgId=10"), document.clone()).await;
        assert_eq!(made.status, 201, "{document}: {made:?}");
        // The response that creates the integration may show its signing secret, and nothing else.
        let text = String::from_utf8_lossy(&made.bytes).replace(&signing_secret(), "");
        assert_hidden(&text, kind);
        let path = format!("/{kind}/{}?orgId=10", made.text("/id"));
        let patched = api.patch(&path, json!({"name": "Renamed"})).await;
        assert_eq!(patched.status, 200, "{patched:?}");
        assert_hidden(&String::from_utf8_lossy(&patched.bytes), kind);
        ids.push(made.text("/id"));
    }
    ids.push(
        user(
            &api,
            "ada@x.example",
            json!({"orgId": 10, "password": secret("person-0123456789")}),
        )
        .await,
    );
    let mut read = 0;
    for (method, path) in operations(&api).await {
        let paths = if method == "get" {
            filled(&api, &path, &ids).await
        } else {
            Vec::new()
        };
        for path in paths {
            let answer = api.get(&path).await;
            assert!(answer.status < 500 || answer.status == 503, "{path}: {answer:?}");
            assert_hidden(&String::from_utf8_lossy(&answer.bytes), &path);
            read += usize::from(answer.status == 200);
        }
    }
    assert!(
        read > 3 * ids.len(),
        "things, their versions and their histories were read: {read}"
    );
    for (collection, document) in api.database.everything().await {
        assert_hidden(&document, &collection);
    }
}

/// A path, filled in with every known identifier and revision.
async fn filled(api: &Api, path: &str, ids: &[String]) -> Vec<String> {
    let path = path
        .replace("{orgId}", "10")
        .replace("{rid}", "11")
        .replace("{eventType}", "order");
    let kinds = ["outbound-integrations", "inbound-integrations", "scheduled-jobs"];
    let kinds = if path.contains("{kind}") { &kinds[..] } else { &[""] };
    let mut paths = Vec::new();
    for id in ids {
        for kind in kinds {
            let path = path.replace("{kind}", kind).replace("{id}", id);
            if !path.contains("{revision}") {
                paths.push(format!("{path}?orgId=10"));
                continue;
            }
            let versions = api.get(&format!("/versions/{kind}/{id}?orgId=10")).await;
            let revisions = versions.json["versions"].as_array().cloned().unwrap_or_default();
            let revisions = revisions.iter().map(|version| version["revision"].to_string());
            paths.extend(revisions.map(|revision| format!("{}?orgId=10", path.replace("{revision}", &revision))));
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}
