//! What is forwarded to the target, and what comes back.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use ig_testkit::receiver::{Answer, gzip};
use serde_json::json;

use super::ProxyFixture;

#[tokio::test]
async fn only_allowed_methods_are_forwarded() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["GET", "HEAD", "POST", "PUT", "DELETE"]})).await;
    fixture
        .target
        .always("/base", Answer::status(202).header("x-own", "1").body("taken"));
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let answer = fixture.call(method, "?orgId=10", &[], "").await;
        assert_eq!(
            (answer.status, &answer.bytes[..]),
            (202, b"taken".as_slice()),
            "{method}: {answer:?}"
        );
        assert_eq!(answer.headers["x-own"], "1");
    }
    let head = fixture.call("HEAD", "?orgId=10", &[], "").await;
    assert_eq!(
        (
            head.status,
            head.headers["content-length"].to_str().unwrap(),
            head.bytes.len()
        ),
        (202, "5", 0)
    );
    let refused = fixture.call("PATCH", "?orgId=10", &[], "{}").await;
    assert_eq!((refused.status, refused.text("/code").as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(refused.headers["allow"], "GET, HEAD, POST, PUT, DELETE");
    let methods: Vec<_> = fixture
        .target
        .requests()
        .iter()
        .map(|request| request.method.to_string())
        .collect();
    assert_eq!(methods, ["GET", "POST", "PUT", "DELETE", "HEAD"]);
}

#[tokio::test]
async fn query_is_forwarded_without_the_organisation_and_the_path_suffix_if_allowed() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["GET"], "pathSuffix": true})).await;
    let answer = fixture.call("GET", "/a%20b/c?x=1&orgId=10&x=%26&y", &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let request = fixture.target.requests().remove(0);
    assert_eq!(
        (request.path.as_str(), request.query.as_deref()),
        ("/base/a%20b/c", Some("x=1&x=%26&y"))
    );
    for path in ["/..", "/x/%2e%2e/y", "/x%2fy", "//x"] {
        let refused = fixture.call("GET", &format!("{path}?orgId=10"), &[], "").await;
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
    let closed = ProxyFixture::open(json!({"allowedMethods": ["GET"]})).await;
    let refused = closed.call("GET", "/x?orgId=10", &[], "").await;
    assert_eq!((refused.status, closed.target.count()), (404, 0), "{refused:?}");
}

#[tokio::test]
async fn calls_of_missing_or_inactive_integrations_are_not_found() {
    let fixture = ProxyFixture::open(json!({})).await;
    assert_eq!(fixture.api.post("/integrations/other?orgId=10", json!({})).await.status, 404);
    assert_eq!(fixture.api.post("/integrations/t", json!({})).await.status, 400);
    assert_eq!(fixture.api.post("/integrations/t?orgId=11", json!({})).await.status, 404);
    let off = fixture
        .api
        .post(&format!("/inbound-integrations/{}/disable?orgId=10", fixture.id), json!({}))
        .await;
    assert_eq!(off.status, 200, "{off:?}");
    let refused = fixture.post(json!({})).await;
    assert_eq!(
        (refused.status, refused.text("/code").as_str()),
        (404, "NOT_FOUND"),
        "{refused:?}"
    );
    assert_eq!(fixture.target.count(), 0);
}

#[tokio::test]
async fn bodies_arrive_byte_for_byte_in_both_directions() {
    let fixture = ProxyFixture::open(json!({})).await;
    let binary: Bytes = (0..=255_u8).cycle().take(300_000).collect::<Vec<_>>().into();
    let packed = gzip(b"what it means").await;
    let kinds = [
        ("application/octet-stream", binary.clone()),
        (
            "multipart/form-data; boundary=x",
            Bytes::from_static(b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"),
        ),
        ("text/plain; charset=utf-8", Bytes::from_static("größer".as_bytes())),
        ("application/json", Bytes::from_static(b"{\"broken\":")),
    ];
    for (kind, body) in kinds {
        fixture.target.forget();
        fixture
            .target
            .always("/base", Answer::status(200).header("content-type", kind).body(body.clone()));
        let answer = fixture
            .call("POST", "?orgId=10", &[("content-type", kind)], body.clone())
            .await;
        assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, kind));
        let request = fixture.target.requests().remove(0);
        assert!(request.body == body && answer.bytes == body, "{kind}");
        assert_eq!(request.headers["content-type"], kind);
    }
    fixture.target.always(
        "/base",
        Answer::status(200).header("content-encoding", "gzip").body(packed.clone()),
    );
    let answer = fixture.call("POST", "?orgId=10", &[("accept-encoding", "gzip")], "").await;
    assert_eq!(
        (answer.headers["content-encoding"].to_str().unwrap(), &answer.bytes),
        ("gzip", &packed)
    );
}

#[tokio::test]
async fn request_body_is_forwarded_while_it_arrives() {
    let fixture = ProxyFixture::open(json!({})).await;
    let parts = futures::stream::iter(0..5_u8).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![b'a' + number; 50_000])))
    });
    let answer = fixture
        .call("POST", "?orgId=10", &[], Body::new(StreamBody::new(parts).boxed_unsync()))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let request = fixture.target.requests().remove(0);
    assert_eq!(
        (request.body.len(), request.body[0], request.body[249_999]),
        (250_000, b'a', b'e')
    );
    assert_eq!(request.headers["transfer-encoding"], "chunked");
}

#[tokio::test]
async fn response_streams_in_chunks_and_a_disconnecting_client_cancels_it() {
    let fixture = ProxyFixture::open(json!({"allowedMethods": ["GET"]})).await;
    let events = Answer::drip("data: tick\n\n", Duration::from_millis(20)).header("content-type", "text/event-stream");
    fixture.target.always("/base", events);
    let mut answer = fixture.begin().await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for _ in 0..3 {
        let frame = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(frame.starts_with(b"data: tick"));
    }
    drop(answer);
    let log = fixture.log().await;
    assert_eq!(
        (log["status"].as_str(), log["responseStatus"].as_i64()),
        (Some("FAILED"), Some(200)),
        "{log}"
    );
    assert!(log["errorMessage"].as_str().unwrap().contains("client left"), "{log}");
}
