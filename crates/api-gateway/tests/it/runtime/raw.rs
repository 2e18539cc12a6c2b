//! Bytes that no well-behaved client sends: smuggled requests, contradictory lengths, expectations.

use ig_testkit::receiver::Answer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ProxyFixture;
use crate::api::ADMIN_KEY;

/// Sends bytes and reads until the gateway closes the connection, for at most two seconds.
async fn exchange(fixture: &ProxyFixture, head: &str, rest: &[u8]) -> String {
    let mut stream = TcpStream::connect(fixture.api.at.http).await.unwrap();
    let head =
        format!("POST /api/v1/integrations/t?orgId=10 HTTP/1.1\r\nhost: gateway\r\nx-api-key: {ADMIN_KEY}\r\n{head}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(rest).await;
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), reading).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn contradictory_requests_are_refused_and_nothing_is_smuggled() {
    let fixture = ProxyFixture::open(json!({})).await;
    let smuggled = b"0\r\n\r\nPOST /smuggled HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    for head in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: -1",
        "content-length: 5x",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: \x0bchunked",
        "x-folded: a\r\n b",
        "x bad: a",
        "x-bad : a",
    ] {
        let said = exchange(&fixture, head, smuggled).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{head:?}: {said:?}");
    }
    assert_eq!(fixture.target.count(), 0);
}

#[tokio::test]
async fn chunked_encoding_wins_over_content_length_and_only_one_is_forwarded() {
    let fixture = ProxyFixture::open(json!({})).await;
    let rest = b"4\r\nbody\r\n0\r\n\r\n";
    let said = exchange(
        &fixture,
        "content-length: 3\r\ntransfer-encoding: chunked\r\nconnection: close",
        rest,
    )
    .await;
    let requests = fixture.target.requests();
    if said.starts_with("HTTP/1.1 200") {
        assert_eq!((requests.len(), &requests[0].body[..]), (1, b"body".as_slice()));
        assert!(!(requests[0].headers.contains_key("content-length") && requests[0].headers.contains_key("transfer-encoding")));
    } else {
        assert!(said.starts_with("HTTP/1.1 400") && requests.is_empty(), "{said:?}");
    }
}

#[tokio::test]
async fn expect_continue_is_answered_or_refused_before_the_body_is_sent() {
    let fixture = ProxyFixture::open(json!({})).await;
    fixture.target.always("/base", Answer::status(200).body("ok"));
    let said = exchange(
        &fixture,
        "expect: 100-continue\r\ncontent-length: 2\r\nconnection: close",
        b"{}",
    )
    .await;
    assert!(said.starts_with("HTTP/1.1 100") && said.contains("HTTP/1.1 200"), "{said:?}");
    assert!(!fixture.target.requests()[0].headers.contains_key("expect"));
    let off = fixture
        .api
        .post(&format!("/inbound-integrations/{}/disable?orgId=10", fixture.id), json!({}))
        .await;
    assert_eq!(off.status, 200);
    let said = exchange(
        &fixture,
        "expect: 100-continue\r\ncontent-length: 2\r\nconnection: close",
        b"",
    )
    .await;
    assert!(said.starts_with("HTTP/1.1 404"), "{said:?}");
}

#[tokio::test]
async fn request_body_that_breaks_off_counts_as_the_clients_failure() {
    let fixture = ProxyFixture::open(json!({})).await;
    for length in [10, 1_000_000] {
        let mut stream = TcpStream::connect(fixture.api.at.http).await.unwrap();
        let head = format!(
            "POST /api/v1/integrations/t?orgId=10 HTTP/1.1\r\nhost: g\r\nx-api-key: {ADMIN_KEY}\r\ncontent-length: {length}\r\n\r\nabc"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let logs = fixture.logs(2).await;
    assert!(
        logs.iter()
            .all(|log| log["status"] == "FAILED" && log["errorCategory"] == "CLIENT_ERROR"),
        "{logs:?}"
    );
    let fine = fixture.post(json!({})).await;
    assert_eq!(fine.status, 200, "{fine:?}");
}
