//! Which headers are forwarded, which belong to the gateway, and which to a connection.

use ig_testkit::receiver::Answer;
use serde_json::json;

use super::ProxyFixture;
use crate::api::ADMIN_KEY;

#[tokio::test]
async fn credentials_and_connection_headers_are_not_forwarded() {
    let fixture = ProxyFixture::open(json!({})).await;
    let headers = [
        ("authorization", "Bearer somebody"),
        ("connection", "x-private, keep-alive"),
        ("x-private", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic eDp5"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/admin"),
        ("x-forwarded-server", "mine"),
        ("x-http-method-override", "DELETE"),
        ("user-agent", "a client"),
        ("accept-language", "de"),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("x-request-id", "mine-1"),
    ];
    let answer = fixture.call("POST", "?orgId=10", &headers, "{}").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let got = fixture.target.requests().remove(0).headers;
    for gone in [
        "authorization",
        "x-api-key",
        "x-private",
        "keep-alive",
        "proxy-authorization",
        "te",
        "upgrade",
        "forwarded",
        "x-real-ip",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-server",
        "x-http-method-override",
    ] {
        assert!(!got.contains_key(gone), "{gone} in {got:?}");
    }
    assert!(!format!("{got:?}").contains(ADMIN_KEY));
    for (name, value) in [
        ("user-agent", "a client"),
        ("accept-language", "de"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "mine-1"),
        ("x-correlation-id", "mine-1"),
    ] {
        assert_eq!(got[name], value, "{name}");
    }
    assert_eq!(got["x-forwarded-host"], fixture.api.at.http.to_string());
    assert_eq!(got["host"], fixture.target.address().to_string());
    assert_eq!(got.get_all("x-twice").iter().count(), 2);
    assert!(got["traceparent"].to_str().unwrap().len() == 55);
    assert_eq!(answer.headers["x-request-id"], "mine-1");
}

#[tokio::test]
async fn integration_credentials_and_headers_replace_the_clients() {
    let fixture = ProxyFixture::open(json!({
        "outgoingAuthType": "BASIC",
        "outgoingAuthConfig": {"username": "u", "password": "p4ssword"},
        "customHeaders": {"X-Tenant": "north"},
    }))
    .await;
    let headers = [
        ("authorization", "Bearer somebody"),
        ("x-tenant", "south"),
        ("x-tenant", "west"),
    ];
    assert_eq!(fixture.call("POST", "?orgId=10", &headers, "{}").await.status, 200);
    let got = fixture.target.requests().remove(0).headers;
    assert_eq!(got["authorization"], "Basic dTpwNHNzd29yZA==");
    assert_eq!(got.get_all("x-tenant").iter().collect::<Vec<_>>(), ["north"]);
    let log = fixture.log().await;
    assert!(!log.to_string().contains("dTpwNHNzd29yZA"), "{log}");
}

#[tokio::test]
async fn response_is_forwarded_without_connection_headers() {
    let fixture = ProxyFixture::open(json!({})).await;
    let answer = Answer::status(404)
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=9")
        .header("x-twice", "1")
        .header("x-twice", "2")
        .header("cache-control", "public, max-age=60")
        .header("x-request-id", "theirs")
        .body("not here");
    fixture.target.always("/base", answer);
    let answer = fixture.post(json!({})).await;
    assert_eq!((answer.status, &answer.bytes[..]), (404, b"not here".as_slice()));
    assert_eq!(answer.headers.get_all("x-twice").iter().count(), 2);
    assert_eq!(answer.headers["cache-control"], "public, max-age=60");
    assert!(
        !answer.headers.contains_key("x-hop") && !answer.headers.contains_key("keep-alive"),
        "{answer:?}"
    );
    assert!(!answer.headers.contains_key("x-frame-options"), "{answer:?}");
    assert_ne!(answer.headers["x-request-id"], "theirs");
}

#[tokio::test]
async fn targets_and_scripts_cannot_speak_for_the_gateways_origin() {
    let script = "return {body: payload.data, headers: {'Set-Cookie': 'd=4', 'Clear-Site-Data': '*'}};";
    let shaped = json!({"responseTransformationMode": "SCRIPT", "responseTransformScript": script});
    for fields in [json!({}), shaped] {
        let fixture = ProxyFixture::open(fields.clone()).await;
        let names = [
            "set-cookie",
            "access-control-allow-origin",
            "access-control-allow-credentials",
            "strict-transport-security",
            "clear-site-data",
            "x-renewed-token",
            "service-worker-allowed",
        ];
        let answer = names
            .iter()
            .fold(Answer::status(200), |answer, name| answer.header(name, "theirs"));
        fixture.target.always("/base", answer.header("x-kept", "1").body("{}"));
        let answer = fixture.post(json!({})).await;
        assert_eq!(
            (answer.status, &answer.headers["x-kept"]),
            (200, &"1".parse().unwrap()),
            "{answer:?}"
        );
        for name in names {
            assert!(!answer.headers.contains_key(name), "{fields}: {name} in {answer:?}");
        }
        assert_eq!(answer.headers["content-security-policy"], "sandbox");
    }
}

#[tokio::test]
async fn client_cannot_override_query_parameters_of_the_target() {
    let target = ig_testkit::receiver::Receiver::start();
    let fixture = ProxyFixture::towards(&target.url("/base?key=ours"), json!({"allowedMethods": ["GET"]})).await;
    for query in ["key=theirs", "KEY=theirs", "%6bey=theirs", "q=1;key=theirs"] {
        let refused = fixture.call("GET", &format!("?orgId=10&{query}"), &[], "").await;
        assert_eq!((refused.status, target.count()), (400, 0), "{query}: {refused:?}");
        assert!(refused.json.to_string().contains("targetUrl fixes: "), "{refused:?}");
    }
    assert_eq!(fixture.call("GET", "?orgId=10&q=1", &[], "").await.status, 200);
    assert_eq!(target.requests().remove(0).query.as_deref(), Some("key=ours&q=1"));
}
