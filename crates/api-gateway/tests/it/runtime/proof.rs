//! How clients authenticate, in addition to the gateway's own authentication.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;

use super::{ORG, ProxyFixture};
use crate::api::{key, key_for};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn signature(id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[tokio::test]
async fn each_client_auth_type_admits_only_its_credentials() {
    let basic = format!("Basic {}", STANDARD.encode("user:pa:ss"));
    let kinds = [
        (
            json!({"inboundAuthType": "API_KEY", "inboundAuthConfig": {"headerName": "X-Client", "apiKey": "k-123456"}}),
            ("x-client", "k-123456"),
        ),
        (
            json!({"inboundAuthType": "BEARER", "inboundAuthConfig": {"token": "t-123456"}}),
            ("authorization", "Bearer t-123456"),
        ),
        (
            json!({"inboundAuthType": "BASIC", "inboundAuthConfig": {"username": "user", "password": "pa:ss"}}),
            ("authorization", basic.as_str()),
        ),
    ];
    for (fields, (name, value)) in kinds {
        let fixture = ProxyFixture::open(fields.clone()).await;
        let answer = fixture.call("POST", "?orgId=10", &[(name, value)], "{}").await;
        assert_eq!(answer.status, 200, "{fields}: {answer:?}");
        let got = fixture.target.requests().remove(0);
        assert!(!got.headers.contains_key(name), "{fields}");
        let wrong = format!("{value}x");
        for headers in [
            vec![],
            vec![(name, "")],
            vec![(name, wrong.as_str())],
            vec![(name, value), (name, value)],
        ] {
            let refused = fixture.call("POST", "?orgId=10", &headers, "{}").await;
            assert_eq!(
                (refused.status, refused.text("/code").as_str()),
                (401, "UNAUTHORIZED"),
                "{fields} {headers:?}"
            );
        }
        assert_eq!(fixture.target.count(), 1, "{fields}");
    }
}

#[tokio::test]
async fn client_signature_covers_the_raw_body_expires_and_counts_once() {
    let fixture = ProxyFixture::open(
        json!({"inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": [SECRET], "toleranceSeconds": 60}}),
    )
    .await;
    let (now, body) = (chrono::Utc::now().timestamp(), "{\"a\" : 1}");
    let send = async |id: &str, at: i64, signed: &str, body: &'static str| {
        let (at, signature) = (at.to_string(), signature(id, at, signed));
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        fixture.call("POST", "?orgId=10", &headers, body).await.status
    };
    assert_eq!(send("msg-1", now, body, body).await, 200);
    assert_eq!(send("msg-1", now, body, body).await, 401, "the same again");
    assert_eq!(
        send("msg-1", now + 1, body, body).await,
        200,
        "its sender tries again, and signs anew"
    );
    assert_eq!(send("msg-2", now, "{\"a\":1}", body).await, 401, "another body");
    assert_eq!(send("msg-3", now - 120, body, body).await, 401, "too old");
    assert_eq!(send("msg-4", now + 120, body, body).await, 401, "too new");
    assert_eq!(
        fixture
            .call("POST", "?orgId=10", &[("webhook-id", "msg-5")], body)
            .await
            .status,
        401
    );
    let got = fixture.target.requests();
    assert_eq!((got.len(), &got[0].body[..]), (2, body.as_bytes()));
    assert!(!got[0].headers.contains_key("webhook-signature"));
}

#[tokio::test]
async fn unauthenticated_call_uses_no_limit_and_leaves_no_dead_letter() {
    let fixture = ProxyFixture::open(json!({
        "inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": [SECRET]},
        "rateLimits": {"maxRequests": 2, "windowSeconds": 3600}, "allowedMethods": ["PUT"],
    }))
    .await;
    let send = async |id: &str, at: i64, signed: &str| {
        let (at, signature) = (at.to_string(), signature(id, at, signed));
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        fixture.call("PUT", "?orgId=10", &headers, "{}").await.status
    };
    let now = chrono::Utc::now().timestamp();
    for forged in ["msg-1", "msg-2", "msg-3"] {
        assert_eq!(send(forged, now, "another body").await, 401);
        assert_eq!(fixture.call("PUT", "?orgId=10", &[], "{}").await.status, 401);
    }
    assert_eq!(send("msg-4", now, "{}").await, 200, "the limit is whole");
    assert_eq!(send("msg-4", now, "{}").await, 401, "a replay");
    assert_eq!(send("msg-5", now, "{}").await, 200, "a replay took nothing either");
    for forged in ["msg-6", "msg-5"] {
        assert_eq!(send(forged, now, "another body").await, 401, "also where there is no room");
    }
    assert_eq!(fixture.letters().await.len(), 0);
    assert_eq!(send("msg-7", now, "{}").await, 429);
    let logs = fixture.logs(12).await;
    assert_eq!(fixture.letters().await.len(), 1, "{logs:?}");
    assert_eq!(fixture.target.count(), 2);
}

#[tokio::test]
async fn rate_limited_call_keeps_its_query_in_the_dead_letter_but_not_in_the_log() {
    let fixture = ProxyFixture::open(json!({
        "pathSuffix": true, "logLevel": "METADATA",
        "rateLimits": {"maxRequests": 1, "windowSeconds": 3600},
    }))
    .await;
    for status in [200, 429] {
        let headers = [("idempotency-key", "k-1")];
        let answer = fixture.call("POST", "/x/y?orgId=10&q=1", &headers, "{\"a\":1}").await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let log = fixture.logs(2).await.remove(0);
    assert_eq!(log["status"], "RETRYING", "{log}");
    assert!(log["targetUrl"].as_str().unwrap().ends_with("/base/x/y"), "{log}");
    assert_eq!(log["requestHeaders"]["idempotency-key"], "k-1", "{log}");
    let letter = fixture.letters().await.remove(0);
    assert!(letter["targetUrl"].as_str().unwrap().ends_with("/base/x/y?q=1"), "{letter}");
}

#[tokio::test]
async fn client_signature_is_accepted_once_across_all_gateways() {
    let fixture = ProxyFixture::open(json!({"inboundAuthType": "HMAC", "inboundAuthConfig": {"secrets": [SECRET]}})).await;
    let other = crate::api::Api::start_with(std::sync::Arc::clone(&fixture.api.database), |config| {
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    let (at, body) = (chrono::Utc::now().timestamp(), "{}");
    let (timestamp, signature) = (at.to_string(), signature("msg", at, body));
    let mut statuses = Vec::new();
    for api in [&fixture.api, &other] {
        let request = api
            .request("POST", "/integrations/t?orgId=10")
            .header("webhook-id", "msg")
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", &signature);
        statuses.push(api.send(request, body.into()).await.status);
    }
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn calls_from_other_addresses_are_refused() {
    let fixture = ProxyFixture::open(json!({"allowedAddresses": ["203.0.113.0/24"]})).await;
    let refused = fixture.post(json!({})).await;
    assert_eq!(
        (refused.status, refused.text("/code").as_str(), fixture.target.count()),
        (403, "FORBIDDEN", 0),
        "{refused:?}"
    );
    let let_in = ProxyFixture::open(json!({"allowedAddresses": ["203.0.113.0/24", "127.0.0.1"]})).await;
    assert_eq!(let_in.post(json!({})).await.status, 200);
}

#[tokio::test]
async fn api_key_of_another_organisation_or_scope_cannot_call() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture.api.org(20).await;
    let stranger = key_for(&fixture.api, ig_core::id::OrgId(20)).await;
    let reader = key(
        &fixture.api,
        json!({"name": "r", "orgId": ORG, "scopes": ["read", "write", "events"]}),
    )
    .await;
    let caller = key(&fixture.api, json!({"name": "c", "orgId": ORG, "scopes": ["runtime"]})).await;
    let statuses = futures::future::join_all([stranger, reader, caller].map(async |key| {
        let api = fixture.api.with_key(&key);
        api.post("/integrations/t?orgId=10", json!({})).await.status
    }));
    assert_eq!(statuses.await, [403, 403, 200]);
    assert_eq!(fixture.target.count(), 1);
}

#[tokio::test]
async fn forwarded_calls_are_signed_if_configured() {
    let fixture = ProxyFixture::open(json!({"signing": {"enabled": true, "secrets": [SECRET]}})).await;
    assert_eq!(
        fixture
            .call("POST", "?orgId=10", &[("webhook-id", "theirs")], "{\"a\":1}")
            .await
            .status,
        200
    );
    let got = fixture.target.requests().remove(0);
    let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
    let at: i64 = header("webhook-timestamp").parse().unwrap();
    assert_eq!(header("webhook-signature"), signature(&header("webhook-id"), at, "{\"a\":1}"));
    assert!(header("webhook-id").starts_with("msg_"));
}
