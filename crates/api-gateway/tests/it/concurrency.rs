//! Concurrent changes and lost updates.

use axum::body::Body;
use serde_json::json;

use crate::api::{Api, integration_with, minimal_integration};

#[tokio::test]
async fn stale_revision_is_refused() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api.integration(10, minimal_integration()).await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let seen = api.get(&path).await.json["revision"].as_u64().unwrap();
    assert_eq!(
        api.put(&path, integration_with(json!({"revision": seen, "name": "first"})))
            .await
            .status,
        200
    );
    let stale = [
        api.put(&path, integration_with(json!({"revision": seen, "name": "second"})))
            .await,
        api.patch(&path, json!({"revision": seen, "name": "second"})).await,
        api.send(
            api.request("PATCH", &path)
                .header("if-match", format!("\"{seen}\""))
                .header("content-type", "application/json"),
            Body::from(r#"{"name":"second"}"#),
        )
        .await,
        api.send(
            api.request("DELETE", &path).header("if-match", format!("\"{seen}\"")),
            Body::empty(),
        )
        .await,
    ];
    for answer in stale {
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (412, &json!("PRECONDITION_FAILED")),
            "{answer:?}"
        );
    }
    let now = api.get(&path).await;
    assert_eq!(now.json["name"], "first");
    let etag = now.headers["etag"].clone();
    let fresh = api
        .request("PATCH", &path)
        .header("if-match", etag)
        .header("content-type", "application/json");
    assert_eq!(api.send(fresh, Body::from(r#"{"name":"second"}"#)).await.status, 200);
}

#[tokio::test]
async fn concurrent_changes_never_overwrite_each_other_silently() {
    let api = Api::start().await;
    api.org(10).await;
    let id = api
        .integration(10, integration_with(json!({"retryCount": 1, "timeoutMs": 1000})))
        .await;
    let path = format!("/outbound-integrations/{id}?orgId=10");
    let (one, other) = tokio::join!(
        api.patch(&path, json!({"retryCount": 9})),
        api.patch(&path, json!({"timeoutMs": 9000}))
    );
    let stored = api.get(&path).await.json;
    for (answer, field, value) in [(one, "retryCount", 9), (other, "timeoutMs", 9000)] {
        assert!(answer.status == 412 || stored[field] == json!(value), "{answer:?} {stored}");
    }
}
