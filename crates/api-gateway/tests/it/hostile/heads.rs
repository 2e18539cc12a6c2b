//! Request heads with too many headers, too large, too slow, or with an unknown method or path.

use std::sync::Arc;
use std::time::Duration;

use ig_testkit::mongo::database;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw::{exchange, head, is_in_shape, serves, status};
use crate::api::Api;

#[tokio::test]
async fn headers_that_are_too_many_or_too_large_get_431() {
    let api = Api::start().await;
    let many = (0..200).fold(String::new(), |many, at| many + &format!("x-{at}: 1\r\n"));
    let large = format!("x-large: {}\r\n", "a".repeat(200_000));
    for more in [many, large] {
        let answer = exchange(&api, head("GET", "/health", &more).as_bytes()).await;
        assert_eq!(status(&answer), Some(431), "{}", String::from_utf8_lossy(&answer));
        serves(&api).await;
    }
}

#[tokio::test]
async fn path_of_excessive_length_is_refused() {
    let api = Api::start().await;
    for path in [
        format!("/{}", "a".repeat(100_000)),
        format!("/health?a={}", "b".repeat(100_000)),
    ] {
        let answer = exchange(&api, head("GET", &path, "").as_bytes()).await;
        assert!(
            matches!(status(&answer), Some(414 | 431)),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        serves(&api).await;
    }
    let long = format!("/outbound-integrations/{}?orgId=10", "a".repeat(30_000));
    assert_eq!(api.get(&long).await.status, 404);
}

#[tokio::test]
async fn endless_headers_are_given_up() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.header_timeout_ms = 300).await;
    let stream = tokio::net::TcpStream::connect(api.at.http).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer
        .write_all(b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\nx-a: ")
        .await
        .unwrap();
    let dripping = async {
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        () = dripping => {}
        read = tokio::time::timeout(Duration::from_secs(30), reader.read_to_end(&mut answer)) => assert!(read.is_ok(), "it was kept"),
    }
    assert!(
        matches!(status(&answer), None | Some(408)),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    serves(&api).await;
}

#[tokio::test]
async fn unsupported_methods_get_405_in_shape_with_the_supported_ones() {
    let api = Api::start().await;
    for method in ["BREW", "TRACE", "PROPFIND", "POST", "get"] {
        let answer = exchange(&api, head(method, "/health", "connection: close\r\n").as_bytes()).await;
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        assert_eq!(status(&answer), Some(405), "{method}: {text}");
        assert!(is_in_shape(&answer) && text.contains("allow: get"), "{method}: {text}");
    }
    let answer = exchange(
        &api,
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        matches!(status(&answer), Some(400..500)),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn preflight_from_an_unknown_origin_allows_nothing() {
    let api = Api::start().await;
    let more = "origin: https://evil.example\r\naccess-control-request-method: DELETE\r\nconnection: close\r\n";
    let answer = exchange(&api, head("OPTIONS", "/admin/orgs/10", more).as_bytes()).await;
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    assert!(status(&answer).is_some_and(|status| status < 500), "{text}");
    assert!(!text.contains("access-control-allow-origin"), "{text}");
}

#[tokio::test]
async fn head_request_is_a_get_without_its_body() {
    let api = Api::start().await;
    for (path, expected) in [("/health", 200), ("/outbound-integrations?orgId=10", 404), ("/nowhere", 404)] {
        let answer = exchange(&api, head("HEAD", path, "connection: close\r\n").as_bytes()).await;
        assert_eq!(status(&answer), Some(expected), "{path}");
        assert!(answer.ends_with(b"\r\n\r\n"), "{path}: {}", String::from_utf8_lossy(&answer));
    }
}
