//! Hostile receivers: bounded time, bounded memory, an error category for everything.

use std::time::{Duration, Instant};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder};
use ig_core::outcome::ErrorCategory;
use ig_delivery::Exchange;
use tokio::io::AsyncWriteExt as _;

use crate::fixtures::{category, deliverer, failure, integration, send, send_to};
use crate::raw::{RawReceiver, Then};

const KEPT: usize = 64 * 1024;

/// Sends with a deadline of 300 ms, and checks that the exchange ends by it.
async fn send_in_a_hurry(url: &str) -> Exchange {
    let mut integration = integration(url);
    integration.timeout = Duration::from_millis(300);
    let started = Instant::now();
    let exchange = send(&integration, &deliverer()).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(exchange.attempt.duration >= Duration::from_millis(290));
    exchange
}

fn compressed_head(encoding: &str, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn exchange_ends_at_the_deadline_when_no_response_begins() {
    let receiver = RawReceiver::start(Vec::new(), Then::Hang).await;
    let exchange = send_in_a_hurry(&receiver.url).await;
    assert_eq!(
        (category(&exchange), exchange.attempt.response_status),
        (Some(ErrorCategory::Timeout), None)
    );
    assert_eq!(receiver.requests(), 1);
}

#[tokio::test]
async fn dripping_body_ends_at_the_deadline_and_keeps_its_status() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec();
    let receiver = RawReceiver::start(head, Then::Drip(b"x")).await;
    let exchange = send_in_a_hurry(&receiver.url).await;
    assert_eq!((category(&exchange), exchange.attempt.response_status), (None, Some(200)));
    assert!(exchange.body_error.is_some());
    assert!(exchange.attempt.response_body.is_none_or(|body| body.truncated));
}

#[tokio::test]
async fn dripping_head_ends_at_the_deadline() {
    let receiver = RawReceiver::start(b"HTTP/1.1 200 OK\r\n".to_vec(), Then::Drip(b"x: y\r\n")).await;
    assert_eq!(category(&send_in_a_hurry(&receiver.url).await), Some(ErrorCategory::Timeout));
}

#[tokio::test]
async fn refusal_stays_a_refusal_when_its_body_hangs() {
    let head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\nno".to_vec();
    let receiver = RawReceiver::start(head, Then::Hang).await;
    assert_eq!(
        category(&send_in_a_hurry(&receiver.url).await),
        Some(ErrorCategory::ClientError)
    );
}

#[tokio::test]
async fn endless_body_is_read_no_further_than_the_limit() {
    static CHUNK: [u8; 4096] = [b'x'; 4096];
    let receiver = RawReceiver::start(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Then::Repeat(&CHUNK)).await;
    let exchange = send_to(&receiver.url).await;
    let body = exchange.attempt.response_body.as_ref().unwrap();
    assert_eq!((category(&exchange), body.bytes.len(), body.truncated), (None, KEPT, true));
    // This includes what lies in the sockets' buffers; an endless reader would take gigabytes.
    assert!(receiver.written() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn decompression_bomb_is_inflated_no_further_than_the_limit() {
    let megabyte = vec![0; 1024 * 1024];
    let mut encoder = GzipEncoder::new(Vec::new());
    for _ in 0..40 {
        encoder.write_all(&megabyte).await.unwrap();
    }
    encoder.shutdown().await.unwrap();
    let bomb = encoder.into_inner();
    let mut answer = compressed_head("gzip", bomb.len());
    answer.extend(bomb);
    let receiver = RawReceiver::start(answer, Then::Close).await;
    let exchange = send_to(&receiver.url).await;
    let body = exchange.attempt.response_body.as_ref().unwrap();
    assert_eq!((category(&exchange), body.bytes.len(), body.truncated), (None, KEPT, true));
}

#[tokio::test]
async fn decompression_bomb_without_end_costs_no_more_than_an_endless_body() {
    // A deflate stream of stored blocks that never ends: one empty block after another.
    static BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];
    let mut head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec();
    head.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let receiver = RawReceiver::start(head, Then::Repeat(&BLOCK)).await;
    let exchange = send_to(&receiver.url).await;
    assert_eq!(category(&exchange), None);
    assert!(exchange.attempt.response_body.unwrap().truncated);
}

#[tokio::test]
async fn compressed_response_is_kept_decompressed() {
    let text = b"{\"ok\": true}";
    let mut gzip = GzipEncoder::new(Vec::new());
    let mut zlib = ZlibEncoder::new(Vec::new());
    let mut brotli = BrotliEncoder::new(Vec::new());
    for encoder in [&mut gzip as &mut (dyn tokio::io::AsyncWrite + Unpin), &mut zlib, &mut brotli] {
        encoder.write_all(text).await.unwrap();
        encoder.shutdown().await.unwrap();
    }
    for (encoding, bytes) in [
        ("gzip", gzip.into_inner()),
        ("deflate", zlib.into_inner()),
        ("br", brotli.into_inner()),
    ] {
        let mut answer = compressed_head(encoding, bytes.len());
        answer.extend(bytes);
        let receiver = RawReceiver::start(answer, Then::Close).await;
        let body = send_to(&receiver.url).await.attempt.response_body.unwrap();
        assert_eq!((&body.bytes[..], body.truncated), (&text[..], false), "{encoding}");
    }
}

#[tokio::test]
async fn compressed_response_that_cannot_be_decoded_is_kept_as_received() {
    let mut answer = compressed_head("gzip", 5);
    answer.extend(b"plain");
    let receiver = RawReceiver::start(answer, Then::Close).await;
    let exchange = send_to(&receiver.url).await;
    assert_eq!(category(&exchange), None);
    assert_eq!(&exchange.attempt.response_body.unwrap().bytes[..], b"plain");
}

#[tokio::test]
async fn accepted_delivery_stays_accepted_when_its_body_breaks_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec();
    for then in [Then::Close, Then::Reset] {
        let receiver = RawReceiver::start(head.clone(), then).await;
        let exchange = send_to(&receiver.url).await;
        assert_eq!((category(&exchange), receiver.requests()), (None, 1));
        assert!(exchange.body_error.is_some());
        let kept = exchange.attempt.response_body.unwrap();
        assert_eq!((&kept.bytes[..], kept.truncated), (&b"abc"[..], true));
    }
}

#[tokio::test]
async fn invalid_response_fails_the_exchange_and_is_sent_once() {
    let many = |line: &str, count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(count)).into_bytes();
    let table = [
        ("nothing", Vec::new()),
        ("garbage", b"\x00\x01\x02garbage\r\n\r\n".to_vec()),
        ("another protocol", b"220 mail.example ESMTP\r\n".to_vec()),
        ("a huge head", many(&format!("x: {}\r\n", "y".repeat(1000)), 200)),
        ("too many headers", many("x: y\r\n", 2000)),
        ("half a head", b"HTTP/1.1 200 O".to_vec()),
    ];
    for (what, bytes) in table {
        let receiver = RawReceiver::start(bytes, Then::Close).await;
        let exchange = send_to(&receiver.url).await;
        assert_eq!(
            (category(&exchange), receiver.requests()),
            (Some(ErrorCategory::Network), 1),
            "{what}"
        );
        assert!(
            failure(&exchange).message.ends_with('.'),
            "{what}: {}",
            failure(&exchange).message
        );
    }
}

#[tokio::test]
async fn closed_port_and_unknown_name_are_network_failures() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(failure(&send_to(&closed).await).message, "The target refused the connection.");
    let unknown = send_to("http://nobody.invalid/").await;
    assert_eq!(failure(&unknown).message, "The target's name could not be resolved.");
}
