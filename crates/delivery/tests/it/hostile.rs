//! Receivers that mean harm: bounded time, bounded memory, a class for everything.

use std::time::{Duration, Instant};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder};
use ig_core::outcome::ErrorCategory;
use ig_delivery::Exchange;
use tokio::io::AsyncWriteExt as _;

use crate::raw::{RawReceiver, Then};
use crate::setting::{category, deliverer, failure, integration, send, send_to};

const KEPT: usize = 64 * 1024;

/// Sends with a deadline of 300 ms; it must end by it, and long before anybody's patience.
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
async fn an_answer_that_never_begins_ends_with_the_deadline() {
    let receiver = RawReceiver::start(Vec::new(), Then::Hang).await;
    let exchange = send_in_a_hurry(&receiver.url).await;
    assert_eq!(
        (category(&exchange), exchange.attempt.response_status),
        (Some(ErrorCategory::Timeout), None)
    );
    assert_eq!(receiver.requests(), 1);
}

#[tokio::test]
async fn a_body_that_drips_ends_with_the_deadline_and_its_status_is_kept() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec();
    let receiver = RawReceiver::start(head, Then::Drip(b"x")).await;
    let exchange = send_in_a_hurry(&receiver.url).await;
    assert_eq!((category(&exchange), exchange.attempt.response_status), (None, Some(200)));
    assert!(exchange.broken.is_some());
    assert!(exchange.attempt.response_body.is_none_or(|body| body.truncated));
}

#[tokio::test]
async fn a_head_that_drips_ends_with_the_deadline() {
    let receiver = RawReceiver::start(b"HTTP/1.1 200 OK\r\n".to_vec(), Then::Drip(b"x: y\r\n")).await;
    assert_eq!(category(&send_in_a_hurry(&receiver.url).await), Some(ErrorCategory::Timeout));
}

#[tokio::test]
async fn a_refusal_stays_a_refusal_when_its_body_hangs() {
    let head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\nno".to_vec();
    let receiver = RawReceiver::start(head, Then::Hang).await;
    assert_eq!(
        category(&send_in_a_hurry(&receiver.url).await),
        Some(ErrorCategory::ClientError)
    );
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_is_kept() {
    static CHUNK: [u8; 4096] = [b'x'; 4096];
    let receiver = RawReceiver::start(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Then::Repeat(&CHUNK)).await;
    let exchange = send_to(&receiver.url).await;
    let body = exchange.attempt.response_body.as_ref().unwrap();
    assert_eq!((category(&exchange), body.bytes.len(), body.truncated), (None, KEPT, true));
    // What lies in the sockets' buffers is written too; an endless reader would take gigabytes.
    assert!(receiver.written() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_bomb_is_decompressed_no_further_than_is_kept() {
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
async fn an_endless_bomb_costs_what_any_endless_body_costs() {
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
async fn compressed_answers_are_kept_as_what_they_mean() {
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
async fn what_claims_to_be_compressed_and_is_not_is_kept_as_it_came() {
    let mut answer = compressed_head("gzip", 5);
    answer.extend(b"plain");
    let receiver = RawReceiver::start(answer, Then::Close).await;
    let exchange = send_to(&receiver.url).await;
    assert_eq!(category(&exchange), None);
    assert_eq!(&exchange.attempt.response_body.unwrap().bytes[..], b"plain");
}

#[tokio::test]
async fn an_acceptance_whose_body_breaks_off_is_one() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec();
    for then in [Then::Close, Then::Reset] {
        let receiver = RawReceiver::start(head.clone(), then).await;
        let exchange = send_to(&receiver.url).await;
        assert_eq!((category(&exchange), receiver.requests()), (None, 1));
        assert!(exchange.broken.is_some());
        let kept = exchange.attempt.response_body.unwrap();
        assert_eq!((&kept.bytes[..], kept.truncated), (&b"abc"[..], true));
    }
}

#[tokio::test]
async fn what_is_not_an_answer_is_a_failed_exchange_and_is_sent_once() {
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
async fn a_closed_port_and_a_name_of_nobody_are_network_failures() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(failure(&send_to(&closed).await).message, "The target refused the connection.");
    let nobody = send_to("http://nobody.invalid/").await;
    assert_eq!(failure(&nobody).message, "The target's name could not be resolved.");
}
