//! Connections that lie about request boundaries.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use ig_testkit::mongo::database;
use ig_testkit::wait::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::raw::{exchange, exchange_to_the_end, head, serves, statuses};
use crate::api::Api;

const ORG: &str = r#"{"orgId":10,"name":"Ten"}"#;

#[tokio::test]
async fn garbage_after_a_request_ends_only_its_own_connection() {
    let api = Api::start().await;
    for garbage in [
        &b"\x00\xff\xfe garbage\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n:\r\n\r\n",
    ] {
        let mut bytes = head("GET", "/health", "").into_bytes();
        bytes.extend(garbage);
        let answered = statuses(&exchange_to_the_end(&api, &bytes).await);
        assert!(matches!(answered.as_slice(), [200] | [200, 400]), "{garbage:?}: {answered:?}");
        serves(&api).await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let api = Api::start().await;
    let bytes = head("GET", "/health", "").repeat(20) + &head("GET", "/nowhere", "connection: close\r\n");
    let answered = statuses(&exchange(&api, bytes.as_bytes()).await);
    assert_eq!(answered.len(), 21);
    assert!(
        answered[..20].iter().all(|status| *status == 200) && answered[20] == 404,
        "{answered:?}"
    );
}

#[tokio::test]
async fn body_shorter_than_its_length_creates_nothing() {
    let api = Api::start().await;
    let length = ORG.len() + 1;
    let bytes = head("POST", "/admin/orgs", &format!("content-length: {length}\r\n")) + ORG;
    let answered = statuses(&exchange_to_the_end(&api, bytes.as_bytes()).await);
    assert!(matches!(answered.as_slice(), [] | [400]), "{answered:?}");
    assert_eq!(api.get("/admin/orgs/10").await.status, 404);
}

#[tokio::test]
async fn bytes_beyond_the_length_of_a_body_are_no_part_of_it() {
    let api = Api::start().await;
    let bytes = head("POST", "/admin/orgs", &format!("content-length: {}\r\n", ORG.len())) + ORG + "}}}} and more\r\n\r\n";
    let answered = statuses(&exchange_to_the_end(&api, bytes.as_bytes()).await);
    assert_eq!(answered.first(), Some(&201), "{answered:?}");
    assert!(answered[1..].iter().all(|status| *status == 400), "{answered:?}");
}

#[tokio::test]
async fn ambiguous_request_length_is_refused_without_smuggling() {
    let api = Api::start().await;
    // Taken as a request of its own, the second would delete what the first creates.
    let hidden = head("DELETE", "/admin/orgs/10", "");
    let length = ORG.len();
    for more in [
        format!("content-length: {length}\r\ncontent-length: {}\r\n", length + hidden.len()),
        "content-length: -1\r\n".to_owned(),
        "content-length: +5\r\n".to_owned(),
        "content-length: 99999999999999999999999\r\n".to_owned(),
        "content-length: 0x10\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
    ] {
        let bytes = head("POST", "/admin/orgs", &more) + ORG + &hidden;
        let answered = statuses(&exchange_to_the_end(&api, bytes.as_bytes()).await);
        assert!(matches!(answered.as_slice(), [] | [400]), "{more}: {answered:?}");
        assert_eq!(api.get("/admin/orgs/10").await.status, 404, "{more}");
    }
    serves(&api).await;
}

#[tokio::test]
async fn chunks_with_nonsensical_sizes_create_nothing() {
    let api = Api::start().await;
    for chunks in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n{}",
        "-1\r\n{}\r\n0\r\n\r\n",
        "5\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}",
    ] {
        let bytes = head("POST", "/admin/orgs", "transfer-encoding: chunked\r\n") + chunks;
        let answered = statuses(&exchange_to_the_end(&api, bytes.as_bytes()).await);
        assert!(matches!(answered.as_slice(), [] | [400]), "{chunks:?}: {answered:?}");
        serves(&api).await;
    }
}

/// Waits until the gateway closes the connection.
async fn hung_up(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("it hangs up");
}

#[tokio::test]
async fn connections_without_a_first_request_are_closed() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.header_timeout_ms = 200).await;
    for beginning in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x"] {
        let mut stream = TcpStream::connect(api.at.http).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        hung_up(&mut stream).await;
    }
    serves(&api).await;
}

#[tokio::test]
async fn http2_connections_without_a_request_are_closed_gracefully() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.idle_timeout_ms = 200).await;
    let stream = TcpStream::connect(api.at.http).await.unwrap();
    let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = connecting.await.unwrap();
    let sender: hyper::client::conn::http2::SendRequest<String> = sender;
    let closed = tokio::time::timeout(Duration::from_secs(20), connection).await;
    assert!(closed.expect("it is closed").is_ok());
    assert!(sender.is_closed());
    serves(&api).await;
}

#[tokio::test]
async fn connections_from_one_address_are_limited() {
    let api = Api::start_with(Arc::new(database()), |config| config.http.max_connections_per_address = 3).await;
    let open = async || TcpStream::connect(api.at.http).await.unwrap();
    // The client that polls the gateway for readiness may hold one.
    let mut streams = [open().await, open().await, open().await, open().await];
    hung_up(&mut streams[3]).await;
    drop(streams);
    eventually("there is room again", async || {
        let mut stream = open().await;
        let asked = stream
            .write_all(head("GET", "/health", "connection: close\r\n").as_bytes())
            .await;
        let mut answer = Vec::new();
        asked.is_ok() && stream.read_to_end(&mut answer).await.is_ok() && statuses(&answer) == [200]
    })
    .await;
}
