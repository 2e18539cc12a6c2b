//! Request limits, HTTPS enforcement, CORS and security headers.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use ig_testkit::mongo::database;
use serde_json::json;

use crate::api::{Answer, Api};

async fn limited(change: impl Fn(&mut ig_api_gateway::Config)) -> [Api; 2] {
    let database = Arc::new(database());
    let one = Api::start_with(Arc::clone(&database), &change).await;
    let other = Api::start_with(database, &change).await;
    [one, other]
}

async fn send_requests(gateways: &[Api; 2], path: &str, requests: usize) -> Vec<Answer> {
    let sent = (0..requests).map(|n| gateways[n % 2].get(path));
    futures::future::join_all(sent).await
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn org_limit_holds_across_gateways() {
    let gateways = limited(|config| config.rate_limit.org_per_minute = 100).await;
    gateways[0].org(10).await;
    gateways[0].org(20).await;
    let answers = send_requests(&gateways, "/lookups/types?orgId=10", 300).await;
    let (ok, refused) = (count(&answers, 200), count(&answers, 429));
    assert_eq!(
        ok + refused,
        300,
        "{:?}",
        answers.iter().find(|answer| ![200, 429].contains(&answer.status))
    );
    assert!((95..=105).contains(&ok), "{ok}");
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.json["code"], json!("RATE_LIMITED"));
    assert_eq!(refused.headers["x-ratelimit-limit"], "100");
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    // Neither another organisation nor this organisation's pushes are affected.
    assert_eq!(gateways[0].get("/lookups/types?orgId=20").await.status, 200);
    let pushed = gateways[0]
        .post("/events?orgId=10", json!({"eventType": "x", "payload": {}}))
        .await;
    assert_eq!(pushed.status, 202, "{pushed:?}");
}

#[tokio::test]
async fn address_limit_holds_before_authentication() {
    let gateways = limited(|config| {
        config.rate_limit.global_per_minute = 60;
        config.http.trusted_proxies = vec!["127.0.0.1".to_owned()];
    })
    .await;
    let from = async |address: &str| {
        let at = gateways[0].at.http;
        let request = Request::builder()
            .uri(format!("http://{at}/api/v1/auth/me"))
            .header("x-forwarded-for", address);
        gateways[0].send(request, Body::empty()).await.status
    };
    let mut seen = Vec::new();
    for _ in 0..70 {
        seen.push(from("203.0.113.7").await);
    }
    let passed = seen.iter().filter(|status| **status == 401).count();
    assert!((57..=60).contains(&passed), "{passed}");
    assert_eq!(seen.last(), Some(&429));
    assert_eq!(from("203.0.113.8").await, 401);
}

#[tokio::test]
async fn plain_http_is_refused_where_https_is_enforced() {
    let [api, _other] = limited(|config| {
        config.http.enforce_https = true;
        config.http.trusted_proxies = vec!["127.0.0.1".to_owned()];
    })
    .await;
    assert_eq!(api.get("/health").await.status, 403);
    let request = api.request("GET", "/health").header("x-forwarded-proto", "https");
    assert_eq!(api.send(request, Body::empty()).await.status, 200);
}

#[tokio::test]
async fn cors_allows_only_pages_of_allowed_origins() {
    let [api, _other] = limited(|config| config.http.allowed_origins = vec!["https://console.example".to_owned()]).await;
    for (origin, is_allowed) in [("https://console.example", true), ("https://evil.example", false)] {
        let asked = api
            .request("OPTIONS", "/lookups?orgId=1")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization,content-type");
        let preflight = api.send(asked, Body::empty()).await;
        let allowed = preflight.headers.get("access-control-allow-origin");
        assert_eq!(allowed.is_some_and(|value| value == origin), is_allowed, "{preflight:?}");
        // Pages must be able to read errors, too.
        let refused = api.request("GET", "/lookups?orgId=1").header("origin", origin);
        let refused = api.send(refused, Body::empty()).await;
        let allowed = refused.headers.get("access-control-allow-origin");
        assert_eq!((refused.status, allowed.is_some()), (404, is_allowed), "{refused:?}");
    }
}

#[tokio::test]
async fn security_headers_are_on_every_response() {
    let api = Api::start().await;
    for path in ["/health", "/nowhere", "/auth/me"] {
        let headers = api.get(path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}
