//! Responses that stream for longer than the timeout of a call.

use std::time::Duration;

use http_body_util::BodyExt as _;
use ig_testkit::receiver::Answer;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::ProxyFixture;
use super::target::{RawTarget, head};

/// Ten chunks of four bytes, over three times the timeout of the call.
async fn slow_download() -> RawTarget {
    RawTarget::start(|mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n").await;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let _ = stream.write_all(b"part").await;
        }
    })
    .await
}

#[tokio::test]
async fn steady_download_outlives_the_call_timeout_and_is_logged_as_a_success() {
    let target = slow_download().await;
    let url = format!("http://{}/", target.address);
    let fixture = ProxyFixture::towards(&url, json!({"allowedMethods": ["GET"], "timeouts": {"totalMs": 500}})).await;
    let answer = fixture.call("GET", "?orgId=10", &[], "").await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 40), "{answer:?}");
    let log = fixture.log().await;
    assert_eq!(
        (&log["status"], &log["errorMessage"]),
        (&json!("SUCCESS"), &json!(null)),
        "{log}"
    );
}

#[tokio::test]
async fn event_stream_outlives_the_call_timeout() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["GET"], "timeouts": {"totalMs": 300}})).await;
    let events = Answer::drip("data: tick\n\n", Duration::from_millis(50)).header("content-type", "text/event-stream");
    fixture.target.always("/base", events);
    let mut answer = fixture.begin().await;
    let mut bytes = 0;
    while bytes < 20 * "data: tick\n\n".len() {
        bytes += answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    drop(answer);
    let log = fixture.log().await;
    assert!(log["errorMessage"].as_str().unwrap().contains("client left"), "{log}");
}

#[tokio::test]
async fn transformed_response_is_bounded_by_the_call_timeout() {
    let fixture = ProxyFixture::open(json!({
        "timeouts": {"totalMs": 400},
        "responseTransformationMode": "SIMPLE",
        "responseFieldMappings": [{"sourceField": "a", "targetField": "b"}],
    }))
    .await;
    fixture.target.always("/base", Answer::drip("1", Duration::from_millis(50)));
    let late = fixture.post(json!({})).await;
    assert_eq!(
        (late.status, late.text("/code").as_str()),
        (504, "UPSTREAM_TIMEOUT"),
        "{late:?}"
    );
    assert_eq!(fixture.log().await["errorCategory"], "TIMEOUT");
}
