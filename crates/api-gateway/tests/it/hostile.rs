//! Input that means harm.

use axum::body::{Body, Bytes};
use ig_testkit::mongo::database;
use serde_json::json;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::api::{ADMIN_KEY, Api};

fn json_request(api: &Api) -> http::request::Builder {
    api.request("POST", "/admin/orgs").header("content-type", "application/json")
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_announced_or_not() {
    let api = Api::start().await;
    let huge = Bytes::from(vec![b' '; 11 * 1024 * 1024]);
    let announced = api
        .send(json_request(&api).header("expect", "100-continue"), Body::from(huge.clone()))
        .await;
    assert_eq!(
        (announced.status, &announced.json["code"]),
        (413, &json!("PAYLOAD_TOO_LARGE"))
    );
    let mut stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
    let head = format!(
        "POST /api/v1/admin/orgs HTTP/1.1\r\nhost: x\r\nx-api-key: {ADMIN_KEY}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let sending = async {
        let chunk = vec![b' '; 64 * 1024];
        for _ in 0..200 {
            let head = format!("{:x}\r\n", chunk.len());
            if writer.write_all(head.as_bytes()).await.is_err()
                || writer.write_all(&chunk).await.is_err()
                || writer.write_all(b"\r\n").await.is_err()
            {
                return;
            }
        }
    };
    let reading = async {
        let mut first = [0; 16];
        reader.read_exact(&mut first).await.unwrap();
        first
    };
    let ((), first) = tokio::join!(sending, reading);
    assert!(String::from_utf8_lossy(&first).contains("413"), "{first:?}");
}

#[tokio::test]
async fn what_is_not_json_is_refused_by_type_or_by_content() {
    let api = Api::start().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"] {
        let request = api.request("POST", "/admin/orgs").header("content-type", kind);
        assert_eq!(api.send(request, Body::from("{}")).await.status, 415, "{kind}");
    }
    let deep = "[".repeat(100_000);
    for text in [
        &b"{"[..],
        b"\"\xff\xfe\"",
        b"",
        b"{}{}",
        deep.as_bytes(),
        b"{\"orgId\":1e999,\"name\":\"a\"}",
    ] {
        let answer = api.send(json_request(&api), Body::from(text.to_vec())).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (400, &json!("VALIDATION_ERROR")),
            "{answer:?}"
        );
    }
    let request = api
        .request("POST", "/admin/orgs")
        .header("content-type", "application/merge-patch+json; charset=utf-8");
    assert_eq!(api.send(request, Body::from(r#"{"orgId":1,"name":"a"}"#)).await.status, 201);
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let api = Api::with(Arc::new(database()), |config| config.http.body_timeout_ms = 200).await;
    let mut stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
    let head = format!(
        "POST /api/v1/admin/orgs HTTP/1.1\r\nhost: x\r\nx-api-key: {ADMIN_KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(std::time::Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection was kept");
    assert!(
        String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn numbers_and_paths_out_of_range_are_answered() {
    let api = Api::start().await;
    for body in [
        json!({"orgId": 0, "name": "a"}),
        json!({"orgId": -5, "name": "a"}),
        json!({"orgId": i64::MAX, "name": "a"}),
        json!({"orgId": 1.5, "name": "a"}),
    ] {
        assert_eq!(api.post("/admin/orgs", body).await.faults(), ["/orgId"]);
    }
    for path in [
        "/admin/orgs/99999999999999999999",
        "/admin/orgs/%ff",
        "/admin/orgs/1/../2",
        "/admin/orgs/%00",
    ] {
        let answer = api.get(path).await;
        assert!(
            [400, 404].contains(&answer.status) && answer.json["requestId"].is_string(),
            "{path} {answer:?}"
        );
    }
}
