//! Authentication and authorisation.

use http::Request;
use ig_core::id::OrgId;
use serde_json::json;

use crate::api::{Api, minimal_integration};

#[tokio::test]
async fn access_without_a_known_key_is_refused() {
    let api = Api::start().await;
    let none = Request::builder().uri(format!("http://{}/api/v1/admin/orgs", api.at.http));
    assert_eq!(api.send(none, axum::body::Body::empty()).await.status, 401);
    for path in [
        "/admin/orgs",
        "/outbound-integrations?orgId=1",
        "/events?orgId=1",
        "/logs?orgId=1",
        "/dlq?orgId=1",
    ] {
        let answer = api.with_key("wrong").get(path).await;
        assert_eq!((answer.status, &answer.json["code"]), (401, &json!("UNAUTHORIZED")), "{path}");
    }
    assert_eq!(api.with_key("wrong").get("/health").await.status, 200);
}

#[tokio::test]
async fn org_key_works_only_in_its_own_organisation() {
    let api = Api::start().await;
    api.org(10).await;
    api.org(20).await;
    let bound = api.with_key(&crate::api::key_for(&api, OrgId(10)).await);
    assert_eq!(
        bound
            .post("/outbound-integrations?orgId=10", minimal_integration())
            .await
            .status,
        201
    );
    let other = bound.get("/outbound-integrations?orgId=20").await;
    assert_eq!((other.status, &other.json["code"]), (403, &json!("FORBIDDEN")));
    assert_eq!(bound.get("/admin/orgs").await.status, 403);
    assert_eq!(bound.get("/outbound-integrations?orgId=999").await.status, 403);
    assert_eq!(api.get("/outbound-integrations?orgId=999").await.status, 404);
}

#[tokio::test]
async fn response_has_a_request_id_and_an_error_the_usual_shape() {
    let api = Api::start().await;
    let request = api.request("GET", "/nowhere").header("x-request-id", "mine-1");
    let answer = api.send(request, axum::body::Body::empty()).await;
    assert_eq!(
        (answer.status, &answer.headers["x-request-id"]),
        (404, &http::HeaderValue::from_static("mine-1"))
    );
    let keys: Vec<_> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["error", "code", "statusCode", "timestamp", "requestId"]);
    assert_eq!(
        (&answer.json["statusCode"], &answer.json["requestId"]),
        (&json!(404), &json!("mine-1"))
    );
    let request = api.request("GET", "/health").header("x-request-id", "not {fit}");
    let given = api.send(request, axum::body::Body::empty()).await.headers["x-request-id"].clone();
    assert!(given.to_str().unwrap().starts_with("req_"), "{given:?}");
}

#[tokio::test]
async fn wrong_method_is_refused_with_the_allowed_ones() {
    let api = Api::start().await;
    let answer = api.patch("/admin/orgs", json!({})).await;
    assert_eq!((answer.status, &answer.json["code"]), (405, &json!("METHOD_NOT_ALLOWED")));
    let allowed = answer.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}
