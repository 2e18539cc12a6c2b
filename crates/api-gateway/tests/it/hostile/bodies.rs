//! Bodies that are too large, too slow, too deep, or not JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use ig_testkit::mongo::database;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw::{head, serves, status};
use crate::api::{ADMIN_KEY, Api};

fn json_request(api: &Api) -> http::request::Builder {
    api.request("POST", "/admin/orgs").header("content-type", "application/json")
}

#[tokio::test]
async fn body_beyond_the_limit_is_refused_with_or_without_a_length() {
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
async fn body_that_is_not_json_is_refused_by_type_or_content() {
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
async fn dripping_body_is_given_up() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.body_timeout_ms = 200).await;
    let mut stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
    let head = format!(
        "POST /api/v1/admin/orgs HTTP/1.1\r\nhost: x\r\nx-api-key: {ADMIN_KEY}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection was kept");
    assert!(
        String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

/// Values nested to the given depth.
fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[tokio::test]
async fn json_nested_ten_thousand_levels_deep_is_refused_at_any_place() {
    let api = Api::start().await;
    api.org(10).await;
    for value in [nested("[", "]", 10_000), nested("{\"a\":", "}", 10_000)] {
        for (path, body) in [
            ("/events?orgId=10", format!(r#"{{"eventType":"order","payload":{value}}}"#)),
            ("/ui-config?orgId=10", format!(r#"{{"a":{value}}}"#)),
            ("/lookups/resolve?orgId=10", value.clone()),
            (
                "/templates?orgId=10",
                format!(r#"{{"name":"a","direction":"OUTBOUND","definition":{{"filter":{value}}}}}"#),
            ),
        ] {
            let method = if path.starts_with("/ui-config") { "PUT" } else { "POST" };
            let request = api.request(method, path).header("content-type", "application/json");
            let answer = api.send(request, body.into()).await;
            assert_eq!(
                (answer.status, &answer.json["code"]),
                (400, &json!("VALIDATION_ERROR")),
                "{path}"
            );
        }
    }
    serves(&api).await;
}

#[tokio::test]
async fn duplicate_key_is_refused_at_any_depth_and_in_any_spelling() {
    let api = Api::start().await;
    api.org(10).await;
    for payload in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"deep":[{"b":{"c":1,"c":2}}]}"#,
        r#"{"":1,"":2}"#,
    ] {
        let body = format!(r#"{{"eventType":"order","payload":{payload}}}"#);
        let request = api
            .request("POST", "/events?orgId=10")
            .header("content-type", "application/json");
        let answer = api.send(request, body.into()).await;
        assert_eq!((answer.status, answer.faults()), (400, vec![""]), "{payload}: {answer:?}");
    }
}

#[tokio::test]
async fn bodies_sent_byte_by_byte_are_given_up_however_many_there_are() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.body_timeout_ms = 300).await;
    let stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer
        .write_all(head("POST", "/admin/orgs", "content-length: 1000000\r\n").as_bytes())
        .await
        .unwrap();
    let dripping = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = Vec::new();
    let reading = reader.read_to_end(&mut answer);
    tokio::select! {
        () = dripping => {}
        read = tokio::time::timeout(Duration::from_secs(30), reading) => assert!(read.is_ok(), "the connection was kept"),
    }
    assert_eq!(status(&answer), Some(408), "{}", String::from_utf8_lossy(&answer));
    serves(&api).await;
}

#[tokio::test]
async fn dripping_bodies_do_not_starve_other_clients() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.body_timeout_ms = 60_000).await;
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
        let head = head("POST", "/admin/orgs", "content-length: 1000000\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    serves(&api).await;
    drop(held);
    serves(&api).await;
}

#[tokio::test]
async fn body_with_a_million_faults_gets_a_hundred_short_details() {
    let api = Api::start().await;
    let keys = (0..500_000).map(|at| format!("\"k{at}\":1")).collect::<Vec<_>>().join(",");
    let long = format!("\"{}\":1", "x".repeat(1_000_000));
    for body in [format!("{{{keys}}}"), format!("{{{long},{long}x}}"), format!("{{{long}}}")] {
        let refused = api.send(json_request(&api), Body::from(body)).await;
        assert_eq!(refused.status, 400, "{:.200?}", refused.json);
        let told = refused.json["details"].as_array().unwrap().len();
        assert!(
            (1..=100).contains(&told) && refused.bytes.len() < 64 * 1024,
            "{told} in {} bytes",
            refused.bytes.len()
        );
    }
}

#[tokio::test]
async fn unauthenticated_body_is_limited_to_a_few_kibibytes() {
    let api = Api::start().await;
    let body = json!({"email": "a@x.example", "password": "x".repeat(5_000)});
    let refused = api.post("/auth/login", body).await;
    assert_eq!(
        (refused.status, &refused.json["code"]),
        (413, &json!("PAYLOAD_TOO_LARGE")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn schema_with_endless_reference_nesting_is_refused() {
    let api = Api::start().await;
    api.org(10).await;
    let definition = |level: usize| (0..118).fold(json!({"$ref": format!("#/$defs/d{}", level + 1)}), |below, _| json!([below]));
    let mut definitions: serde_json::Map<_, _> = (0..230)
        .map(|level| (format!("d{level}"), json!({"x": definition(level)})))
        .collect();
    definitions.insert("d230".to_owned(), json!({}));
    let refused = api
        .post(
            "/event-types?orgId=10",
            json!({"eventType": "deep", "schema": {"$defs": definitions}}),
        )
        .await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.text("/details/0/message").contains("nests too deep"), "{refused:?}");
}
