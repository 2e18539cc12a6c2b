//! Transformations of requests and responses.

use ig_testkit::receiver::Answer;
use ig_testkit::wait::eventually;
use serde_json::json;

use super::ProxyFixture;
use crate::api::{integration_with, key};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn mappings_transform_the_request_and_the_response() {
    let fixture = ProxyFixture::open(json!({
        "requestTransformationMode": "SIMPLE",
        "requestFieldMappings": [{"sourceField": "patient.id", "targetField": "id", "transform": "upper"}],
        "requestStaticFields": [{"key": "channel", "value": "gateway"}],
        "responseTransformationMode": "SIMPLE",
        "responseFieldMappings": [{"sourceField": "booking.number", "targetField": "number"}],
    }))
    .await;
    let theirs = Answer::status(201)
        .header("content-type", "application/json")
        .header("etag", "\"1\"")
        .body("{\"booking\":{\"number\":7},\"x\":1}");
    fixture.target.always("/base", theirs);
    let answer = fixture.post(json!({"patient": {"id": "p-1"}, "other": true})).await;
    assert_eq!((answer.status, &answer.json), (201, &json!({"number": 7})), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(!answer.headers.contains_key("etag"), "it was that of another body");
    let sent = fixture.target.requests().remove(0);
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&sent.body).unwrap(),
        json!({"id": "P-1", "channel": "gateway"})
    );
    let log = fixture.log().await;
    assert_eq!(
        (&log["originalPayload"]["other"], &log["requestPayload"]["id"]),
        (&json!(true), &json!("P-1")),
        "{log}"
    );
    // A mapping leaves error responses of the target alone.
    fixture
        .target
        .always("/base", Answer::status(409).body("{\"error\":\"taken\"}"));
    let refused = fixture.post(json!({"patient": {"id": "p-1"}})).await;
    assert_eq!((refused.status, &refused.json), (409, &json!({"error": "taken"})));
}

#[tokio::test]
async fn transformation_drops_headers_of_the_old_body_and_keeps_specific_json_types() {
    let fixture = ProxyFixture::open(json!({
        "requestTransformationMode": "SIMPLE",
        "requestFieldMappings": [{"sourceField": "id", "targetField": "id"}],
        "responseTransformationMode": "SIMPLE",
        "responseFieldMappings": [{"sourceField": "n", "targetField": "n"}],
    }))
    .await;
    let stale = ["content-digest", "repr-digest", "digest", "content-md5"];
    let theirs = Answer::status(200)
        .header("content-type", "application/fhir+json")
        .body("{\"n\":1}");
    let theirs = stale.iter().fold(theirs, |answer, name| answer.header(name, "sha-256=:x:"));
    fixture.target.always("/base", theirs);
    let mut headers = vec![("content-type", "application/fhir+json; charset=utf-8")];
    headers.extend(stale.map(|name| (name, "sha-256=:x:")));
    let answer = fixture.call("POST", "?orgId=10", &headers, "{\"id\":7,\"x\":1}").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let sent = fixture.target.requests().remove(0);
    assert_eq!(sent.body, b"{\"id\":7}".as_slice());
    for name in stale {
        assert!(
            !sent.headers.contains_key(name) && !answer.headers.contains_key(name),
            "{name}"
        );
    }
    assert_eq!(sent.headers["content-type"], "application/fhir+json");
    assert_eq!(answer.headers["content-type"], "application/fhir+json");
}

#[tokio::test]
async fn response_script_reads_the_whole_response_and_may_set_status_and_headers() {
    let script = r"
        console.log('answered', payload.status);
        if (payload.status === 404) return { data: { found: false }, status: 200, headers: { 'X-Found': 'no', 'x-gone': null } };
        return payload.data.items.map(item => item.id);";
    let fixture = ProxyFixture::open(json!({
        "allowedMethods": ["GET"],
        "responseTransformationMode": "SCRIPT",
        "responseTransformScript": script,
    }))
    .await;
    fixture
        .target
        .always("/base", Answer::status(200).body("{\"items\":[{\"id\":1},{\"id\":2}]}"));
    let found = fixture.call("GET", "?orgId=10", &[("accept-encoding", "gzip")], "").await;
    assert_eq!((found.status, &found.json), (200, &json!([1, 2])), "{found:?}");
    assert_eq!(fixture.target.requests()[0].headers["accept-encoding"], "identity");
    fixture
        .target
        .always("/base", Answer::status(404).header("x-gone", "1").header("x-kept", "1"));
    let missing = fixture.call("GET", "?orgId=10", &[], "").await;
    assert_eq!(
        (missing.status, &missing.json),
        (200, &json!({"found": false})),
        "{missing:?}"
    );
    assert_eq!(
        (
            missing.headers["x-found"].to_str().unwrap(),
            missing.headers["x-kept"].to_str().unwrap()
        ),
        ("no", "1")
    );
    assert!(!missing.headers.contains_key("x-gone"));
    fixture.logs(2).await;
    let traces = fixture.api.get("/execution-logs?orgId=10").await;
    assert!(traces.json.to_string().contains("answered"), "{traces:?}");
}

/// Headers, body, and the status and words of the refusal.
type Case = (&'static [(&'static str, &'static str)], &'static str, u16, &'static str);

#[tokio::test]
async fn request_with_a_failing_transformation_is_refused_and_never_sent() {
    let fixture = ProxyFixture::open(json!({
        "requestTransformationMode": "SCRIPT",
        "requestTransformScript": "if (payload.skip) return null; return { n: payload.deep.n };",
    }))
    .await;
    let table: [Case; 4] = [
        (&[JSON], "{\"broken\":", 400, "is not valid JSON"),
        (&[("content-type", "text/plain")], "{}", 415, "must be JSON"),
        (&[JSON, ("content-encoding", "gzip")], "{}", 415, "not compressed"),
        (&[JSON], "{}", 400, "could not be transformed"),
    ];
    for (headers, body, status, said) in table {
        let refused = fixture.call("POST", "?orgId=10", headers, body).await;
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        assert!(refused.json.to_string().contains(said), "{refused:?}");
    }
    let skipped = fixture.post(json!({"skip": true})).await;
    assert_eq!((skipped.status, skipped.bytes.len()), (204, 0), "{skipped:?}");
    assert_eq!(fixture.target.count(), 0);
    let sent = fixture.post(json!({"deep": {"n": 1}})).await;
    assert_eq!(
        (sent.status, &fixture.target.requests()[0].body[..]),
        (200, b"{\"n\":1}".as_slice()),
        "{sent:?}"
    );
    let logs = fixture.logs(6).await;
    let statuses: Vec<_> = logs.iter().map(|log| log["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["SUCCESS", "SKIPPED", "FAILED", "FAILED", "FAILED", "FAILED"]);
}

#[tokio::test]
async fn response_with_a_failing_transformation_is_a_502_and_no_target_failure() {
    let fixture = ProxyFixture::open(json!({
        "responseTransformationMode": "SIMPLE",
        "responseFieldMappings": [{"sourceField": "a", "targetField": "b"}],
    }))
    .await;
    fixture.target.always("/base", Answer::status(200).body("<html>"));
    for _ in 0..6 {
        let failed = fixture.post(json!({})).await;
        assert_eq!(failed.status, 502, "{failed:?}");
        assert!(failed.text("/error").contains("not valid JSON"), "{failed:?}");
    }
    let log = fixture.logs(6).await.remove(0);
    assert_eq!(
        (&log["errorCategory"], &log["responseStatus"]),
        (&json!("TRANSFORMATION"), &json!(200)),
        "{log}"
    );
    fixture.target.always("/base", Answer::status(200).body("{\"a\":1}"));
    assert_eq!(fixture.post(json!({})).await.json, json!({"b": 1}), "no breaker has opened");
}

#[tokio::test]
async fn buffered_bodies_are_bounded_in_both_directions() {
    let fixture = ProxyFixture::open(json!({"requestFieldMappings": [{"sourceField": "a", "targetField": "b"}], "responseFieldMappings": [{"sourceField": "a", "targetField": "b"}]})).await;
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let refused = fixture.call("POST", "?orgId=10", &[JSON], large.clone()).await;
    assert_eq!(
        (refused.status, refused.text("/code").as_str(), fixture.target.count()),
        (413, "PAYLOAD_TOO_LARGE", 0)
    );
    fixture.target.always("/base", Answer::status(200).body(large));
    let failed = fixture.post(json!({"a": 1})).await;
    assert_eq!(failed.status, 502, "{}", failed.status);
    assert!(failed.text("/error").contains("larger than"), "{failed:?}");
}

#[tokio::test]
async fn previews_by_a_reader_cannot_disable_a_script_for_calls() {
    let script = "if (payload.endless) for (;;) {} return payload";
    let fixture = ProxyFixture::open(json!({"requestTransformationMode": "SCRIPT", "requestTransformScript": script})).await;
    let reader = json!({"name": "reader", "orgId": 10, "scopes": ["read"]});
    let reader = fixture.api.with_key(&key(&fixture.api, reader).await);
    let preview = async || {
        let draft = integration_with(json!({"transformationMode": "SCRIPT", "transformScript": script}));
        let asked = json!({"integration": draft, "payload": {"endless": true}});
        let answer = reader.post("/outbound-integrations/preview?orgId=10", asked).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("/error/code")
    };
    for _ in 0..3 {
        assert_ne!(preview().await, "SCRIPT_DISABLED");
    }
    assert_eq!(preview().await, "SCRIPT_DISABLED");
    let called = fixture.post(json!({"a": 1})).await;
    assert_eq!(called.status, 200, "{called:?}");
}

#[tokio::test]
async fn calls_of_a_disabled_script_get_a_retry_after() {
    let script = "if (payload.endless) for (;;) {} return payload";
    let fixture = ProxyFixture::open(json!({"requestTransformationMode": "SCRIPT", "requestTransformScript": script})).await;
    for _ in 0..3 {
        let stopped = fixture.post(json!({"endless": true})).await;
        assert_eq!(stopped.status, 400, "{stopped:?}");
    }
    let refused = fixture.post(json!({})).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text("/error").contains("SCRIPT_DISABLED"), "{refused:?}");
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    // Without an alerter the gateway leaves the alert for the first one that starts.
    let is_owed = |(collection, alert): &(String, String)| collection == "owed_alerts" && alert.contains("script-disabled");
    eventually("an alert is owed", async || {
        fixture.api.database.everything().await.iter().any(is_owed)
    })
    .await;
}
