//! The logs of calls, and what happens when they cannot be written.

use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use super::{ProxyFixture, gateway, inbound};

#[tokio::test]
async fn each_call_has_one_log_with_its_trace() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture.target.always(
        "/base",
        Answer::status(201).header("set-cookie", "session=1").body("{\"id\":7}"),
    );
    let headers = [
        ("content-type", "application/json"),
        ("x-request-id", "req-1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    assert_eq!(fixture.call("POST", "?orgId=10&q=1", &headers, "{\"a\":1}").await.status, 201);
    let log = fixture.log().await;
    for (field, value) in [
        ("status", json!("SUCCESS")),
        ("direction", json!("INBOUND")),
        ("eventType", json!("t")),
        ("source", json!("inbound")),
        ("httpMethod", json!("POST")),
        ("responseStatus", json!(201)),
        ("attemptCount", json!(1)),
        ("correlationId", json!("req-1")),
        ("traceId", json!("0af7651916cd43dd8448eb211c80319c")),
        ("originalPayload", json!({"a": 1})),
    ] {
        assert_eq!(log[field], value, "{field} in {log}");
    }
    assert!(log["targetUrl"].as_str().unwrap().ends_with("/base?q=1"), "{log}");
    assert!(log["attempts"][0]["responseBody"].to_string().contains('7'), "{log}");
    assert!(!log.to_string().contains("session=1"), "{log}");
    let traces = fixture.api.get("/execution-logs?orgId=10").await;
    assert_eq!(traces.json["executionLogs"][0]["steps"][0]["name"], "attempt", "{traces:?}");
    let sent = fixture.target.requests().remove(0);
    assert!(
        sent.headers["traceparent"]
            .to_str()
            .unwrap()
            .starts_with("00-0af7651916cd43dd8448eb211c80319c-")
    );
}

#[tokio::test]
async fn log_level_metadata_omits_payloads_and_none_omits_the_log() {
    let fixture = ProxyFixture::open(json!({"logLevel": "METADATA"})).await;
    fixture.target.always("/base", Answer::status(200).body("s3cret-answer"));
    assert_eq!(
        fixture
            .call("POST", "?orgId=10&name=s3cret", &[], "{\"a\":\"s3cret\"}")
            .await
            .status,
        200
    );
    let log = fixture.log().await;
    assert!(log["status"] == "SUCCESS" && !log.to_string().contains("s3cret"), "{log}");
    let none = ProxyFixture::open(json!({"logLevel": "NONE"})).await;
    assert_eq!(none.post(json!({})).await.status, 200);
    let marked = none
        .api
        .patch(
            &format!("/inbound-integrations/{}?orgId=10", none.id),
            json!({"logLevel": "FULL"}),
        )
        .await;
    assert_eq!(marked.status, 200, "{marked:?}");
    assert_eq!(none.post(json!({"second": true})).await.status, 200);
    assert_eq!(none.log().await["originalPayload"], json!({"second": true}));
}

#[tokio::test]
async fn call_requiring_a_log_is_refused_before_sending_while_logs_cannot_be_written() {
    let target = ig_testkit::receiver::Receiver::start();
    let api = gateway(|config| config.runtime.max_unrecorded = 2).await;
    api.org(super::ORG).await;
    let id = inbound(&api, &target.url("/"), json!({"allowedMethods": ["GET"]})).await;
    // Two calls that never end exhaust the log capacity.
    target.always("/", Answer::hang());
    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let request = api.request("GET", "/integrations/t?orgId=10");
        let request = request.body(axum::body::Body::empty()).unwrap();
        let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        hanging.spawn(async move { client.request(request).await.map(drop) });
    }
    target.wait_for(2).await;
    target.always("/", Answer::status(200));
    let refused = api.get("/integrations/t?orgId=10").await;
    assert_eq!((refused.status, target.count()), (503, 2), "{refused:?}");
    assert!(refused.text("/error").contains("log") && refused.headers.contains_key("retry-after"));
    let best = api
        .patch(
            &format!("/inbound-integrations/{id}?orgId=10"),
            json!({"logging": "BEST_EFFORT"}),
        )
        .await;
    assert_eq!(best.status, 200, "{best:?}");
    assert_eq!(api.get("/integrations/t?orgId=10").await.status, 200);
    hanging.abort_all();
    eventually("there is room again", async || {
        let strict = api
            .patch(
                &format!("/inbound-integrations/{id}?orgId=10"),
                json!({"logging": "REQUIRED"}),
            )
            .await;
        strict.status == 200 && api.get("/integrations/t?orgId=10").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn stopping_gateway_writes_the_logs_of_answered_calls() {
    let fixture = ProxyFixture::open(json!({})).await;
    for number in 0..20 {
        assert_eq!(fixture.post(json!({"n": number})).await.status, 200);
    }
    let other = fixture.api.replica().await;
    fixture.api.stop().await;
    let listed = other.get("/logs?orgId=10&direction=INBOUND&limit=100").await;
    assert_eq!(listed.json["logs"].as_array().map(Vec::len), Some(20), "{listed:?}");
}
