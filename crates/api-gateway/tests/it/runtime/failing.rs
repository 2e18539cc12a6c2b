//! Failing targets: the client's response, the number of attempts, and the dead letters.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use ig_testkit::port::free_port;
use ig_testkit::receiver::{Answer, Receiver};
use ig_testkit::wait::eventually;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::target::{RawTarget, head, saying};
use super::{ProxyFixture, gateway, inbound};
use crate::api::Api;

#[tokio::test]
async fn post_without_an_idempotency_key_is_never_sent_twice() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture
        .target
        .always("/base", Answer::status(503).header("retry-after", "1").body("later"));
    let failed = fixture.post(json!({"a": 1})).await;
    assert_eq!(
        (failed.status, failed.text("/code").as_str()),
        (502, "UPSTREAM_ERROR"),
        "{failed:?}"
    );
    assert_eq!(failed.headers["retry-after"], "1");
    assert!(failed.text("/error").contains("503"), "{failed:?}");
    fixture.target.always("/base", Answer::reset());
    assert_eq!(fixture.post(json!({"a": 2})).await.status, 502);
    let logs = fixture.logs(2).await;
    assert_eq!(fixture.target.count(), 2);
    assert!(
        logs.iter().all(|log| log["status"] == "FAILED" && log["attemptCount"] == 1),
        "{logs:?}"
    );
    let letters = fixture.letters().await;
    assert!(
        letters.len() == 2 && letters.iter().all(|letter| letter["status"] == "ABANDONED"),
        "{letters:?}"
    );
}

#[tokio::test]
async fn repeatable_call_is_retried_until_it_succeeds() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["PUT", "POST"]})).await;
    fixture.target.script("/base", [Answer::status(500), Answer::reset()]);
    let put = fixture
        .call("PUT", "?orgId=10", &[("content-type", "application/json")], "{\"a\":1}")
        .await;
    assert_eq!(put.status, 200, "{put:?}");
    fixture.target.script("/base", [Answer::status(502)]);
    let keyed = fixture
        .call("POST", "?orgId=10", &[("idempotency-key", "k-1")], "{\"a\":2}")
        .await;
    assert_eq!(keyed.status, 200, "{keyed:?}");
    let bodies: Vec<_> = fixture.target.requests().iter().map(|request| request.body.clone()).collect();
    assert_eq!(bodies.iter().filter(|body| &body[..] == b"{\"a\":2}").count(), 2);
    let logs = fixture.logs(2).await;
    assert_eq!(logs[1]["attemptCount"], 3, "{}", logs[1]);
    assert_eq!(logs[1]["status"], "SUCCESS");
}

#[tokio::test]
async fn call_failing_every_attempt_is_a_502_and_a_due_dead_letter() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["PUT"], "retryCount": 2})).await;
    fixture
        .target
        .always("/base", Answer::status(500).body("{\"why\":\"broken\"}"));
    let failed = fixture
        .call("PUT", "?orgId=10&q=1", &[("content-type", "application/json")], "{\"a\":1}")
        .await;
    assert_eq!((failed.status, fixture.target.count()), (502, 2), "{failed:?}");
    let log = fixture.log().await;
    assert_eq!(
        (log["status"].as_str(), log["errorCategory"].as_str()),
        (Some("RETRYING"), Some("SERVER_ERROR")),
        "{log}"
    );
    assert!(log["attempts"][1]["responseBody"].to_string().contains("broken"), "{log}");
    let listed = fixture.letters().await.remove(0);
    let id = listed["id"].as_str().unwrap();
    let letter = fixture.api.get(&format!("/dlq/{id}?orgId=10")).await.json;
    assert_eq!(
        (letter["status"].as_str(), letter["direction"].as_str()),
        (Some("PENDING_RETRY"), Some("INBOUND")),
        "{letter}"
    );
    assert_eq!(
        (&letter["httpMethod"], &letter["originalPayload"]),
        (&json!("PUT"), &json!({"a": 1})),
        "{letter}"
    );
    assert!(letter["targetUrl"].as_str().unwrap().ends_with("/base?q=1"), "{letter}");
}

#[tokio::test]
async fn unreachable_target_is_a_502_that_says_so() {
    let ProxyFixture { api, .. } = ProxyFixture::towards(
        &format!("http://127.0.0.1:{}/", free_port()),
        json!({"allowedMethods": ["GET", "POST"], "retryCount": 1}),
    )
    .await;
    for (method, body) in [("GET", ""), ("POST", "{}")] {
        let failed = api
            .send(api.request(method, "/integrations/t?orgId=10"), Body::from(body))
            .await;
        assert_eq!(
            (failed.status, failed.text("/code").as_str()),
            (502, "UPSTREAM_ERROR"),
            "{failed:?}"
        );
        assert!(failed.text("/error").contains("refused the connection"), "{failed:?}");
        assert!(!failed.text("/requestId").is_empty());
    }
}

#[tokio::test]
async fn refused_connection_is_retried_for_repeatable_calls() {
    let fixture = ProxyFixture::towards(&format!("http://127.0.0.1:{}/", free_port()), json!({"retryCount": 2})).await;
    for (headers, attempts) in [(&[][..], 1), (&[("idempotency-key", "k-1")][..], 2)] {
        let failed = fixture.call("POST", "?orgId=10", headers, "{}").await;
        assert_eq!(failed.status, 502, "{failed:?}");
        let log = fixture.logs(attempts).await.remove(0);
        assert_eq!(log["attemptCount"], attempts, "{log}");
        let tried = log["attempts"].as_array().unwrap();
        let refused = tried
            .iter()
            .all(|attempt| attempt["errorMessage"].as_str().unwrap().contains("refused the connection"));
        assert!(refused, "{log}");
    }
}

#[tokio::test]
async fn each_call_timeout_is_a_504() {
    let silent = ProxyFixture::open(json!({"timeouts": {"firstByteMs": 200}})).await;
    silent.target.always("/base", Answer::hang());
    let late = silent.post(json!({})).await;
    assert_eq!(
        (late.status, late.text("/code").as_str()),
        (504, "UPSTREAM_TIMEOUT"),
        "{late:?}"
    );
    assert!(
        late.text("/error").contains("did not begin to answer within 200 ms"),
        "{late:?}"
    );
    assert_eq!(silent.log().await["errorCategory"], "TIMEOUT");

    let slow = ProxyFixture::open(json!({"timeouts": {"totalMs": 300}, "allowedMethods": ["GET"]})).await;
    slow.target.always("/base", Answer::status(503));
    let late = slow.call("GET", "?orgId=10", &[], "").await;
    assert_eq!(
        (late.status, slow.target.count()),
        (502, 1),
        "there is no time for another try: {late:?}"
    );

    // No host answers at this address, so connecting never completes.
    let api = gateway(|config| config.security.egress.allow = vec!["192.0.2.0/24".to_owned()]).await;
    api.org(super::ORG).await;
    let sure = json!({"timeouts": {"connectMs": 150}, "allowedMethods": ["PUT"], "retryCount": 2});
    let id = inbound(&api, "http://192.0.2.1:9/", sure).await;
    let target = Receiver::start();
    let fixture = ProxyFixture { api, target, id };
    let late = fixture.call("PUT", "?orgId=10", &[], "{}").await;
    assert!([502, 504].contains(&late.status), "{late:?}");
    let log = fixture.log().await;
    assert_eq!(log["attemptCount"], 2, "nothing was sent, so it may be tried again: {log}");
}

#[tokio::test]
async fn response_that_stalls_or_breaks_off_is_cut_for_the_client() {
    for (answer, said) in [
        (Answer::drip("part", Duration::from_hours(1)), "stopped in the middle"),
        (Answer::status(200).cut_after("part"), "broke"),
    ] {
        let fixture = ProxyFixture::open(json!({"allowedMethods": ["GET"], "timeouts": {"idleMs": 200}})).await;
        fixture.target.always("/base", answer);
        let answer = fixture.begin().await;
        assert!(
            answer.into_body().collect().await.is_err(),
            "the client sees that it is not whole"
        );
        let log = fixture.log().await;
        assert_eq!(log["status"], "FAILED", "{log}");
        assert!(log["errorMessage"].as_str().unwrap().contains(said), "{log}");
    }
}

#[tokio::test]
async fn malformed_responses_and_header_floods_are_a_502() {
    let garbage = saying(b"\x00\x01 what is this\r\n\r\n").await;
    let ProxyFixture { api, .. } = ProxyFixture::towards(&format!("http://{}/", garbage.address), json!({})).await;
    let failed = api.post("/integrations/t?orgId=10", json!({})).await;
    assert_eq!(failed.status, 502, "{failed:?}");
    assert!(failed.text("/error").contains("not HTTP"), "{failed:?}");

    let flood = RawTarget::start(|mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        let line = format!("x-flood: {}\r\n", "f".repeat(8_000));
        // A hundred megabytes, unless the gateway closes the connection earlier.
        for _ in 0..12_500 {
            if stream.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await;
    let ProxyFixture { api, .. } = ProxyFixture::towards(&format!("http://{}/", flood.address), json!({})).await;
    let failed = api.post("/integrations/t?orgId=10", json!({})).await;
    assert_eq!(failed.status, 502, "{failed:?}");
    assert!(failed.text("/error").contains("too large headers"), "{failed:?}");
    assert_eq!(flood.connections(), 1);
}

#[tokio::test]
async fn breaker_opens_after_five_failed_calls_and_refuses_without_sending() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture.target.always("/base", Answer::status(500));
    for _ in 0..5 {
        assert_eq!(fixture.post(json!({})).await.status, 502);
    }
    eventually("the breaker is open", async || fixture.post(json!({})).await.status == 503).await;
    let asked = fixture.target.count();
    let refused = fixture.post(json!({})).await;
    assert_eq!((refused.status, refused.text("/code").as_str()), (503, "SERVICE_UNAVAILABLE"));
    assert!(
        refused.headers.contains_key("retry-after") && refused.text("/error").contains("500"),
        "{refused:?}"
    );
    assert_eq!(fixture.target.count(), asked);
    let shown = fixture
        .api
        .get(&format!("/inbound-integrations/{}?orgId=10", fixture.id))
        .await;
    assert_eq!(
        (&shown.json["isActive"], &shown.json["hold"]["cause"]),
        (&json!(false), &json!("CIRCUIT_OPEN")),
        "{shown:?}"
    );
    fixture.target.always("/base", Answer::status(200));
    let enabled = fixture
        .api
        .post(&format!("/inbound-integrations/{}/enable?orgId=10", fixture.id), json!({}))
        .await;
    assert_eq!(enabled.status, 200, "{enabled:?}");
    assert_eq!(fixture.post(json!({})).await.status, 200);
}

#[tokio::test]
async fn client_error_of_the_target_is_passed_on_and_does_not_count_as_a_failure() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture.target.always("/base", Answer::status(422).body("{\"no\":1}"));
    for _ in 0..8 {
        let answer = fixture.post(json!({})).await;
        assert_eq!((answer.status, &answer.bytes[..]), (422, b"{\"no\":1}".as_slice()));
    }
    let logs = fixture.logs(8).await;
    assert!(
        logs.iter()
            .all(|log| log["status"] == "FAILED" && log["errorCategory"] == "CLIENT_ERROR"),
        "{logs:?}"
    );
    assert_eq!(fixture.letters().await.len(), 0);
}

#[tokio::test]
async fn blocked_address_is_never_contacted() {
    let target = Receiver::start();
    let database = std::sync::Arc::new(ig_testkit::mongo::database());
    let open = Api::start_with(std::sync::Arc::clone(&database), |config| {
        config.security.egress.allow = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    open.org(super::ORG).await;
    inbound(&open, &target.url("/"), json!({})).await;
    let closed = Api::start_with(database, |_| {}).await;
    let refused = closed.post("/integrations/t?orgId=10", json!({})).await;
    assert_eq!((refused.status, target.count()), (502, 0), "{refused:?}");
    assert!(refused.text("/error").contains("not public"), "{refused:?}");
}
