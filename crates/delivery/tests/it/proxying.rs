//! Calls that stream.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, future, stream};
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use ig_delivery::{CallError, ProxiedCall, Proxy, ProxyResponse, ProxyTemplate, SecurityConfig, Upload};
use ig_testkit::builders::inbound;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::authority::Authority;
use crate::fixtures::{PLENTY, config};
use crate::receiver::{Receiver, answer};

const SOON: Duration = Duration::from_millis(200);
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

fn call(url: &str, upload: Upload) -> ProxiedCall {
    call_with_pauses(url, upload, SOON)
}

fn call_with_pauses(url: &str, upload: Upload, idle: Duration) -> ProxiedCall {
    let mut integration = inbound(1, "t", url);
    integration.timeouts.idle = idle;
    let template = ProxyTemplate::compile(&integration).unwrap();
    let address = template.address("", "").unwrap();
    ProxiedCall::new(template, Method::POST, address, HeaderMap::new(), upload)
}

async fn pass(proxy: &Proxy, url: &str, upload: Upload) -> Result<ProxyResponse, CallError> {
    proxy.pass(&call(url, upload), Instant::now() + PLENTY).await
}

fn proxy(config: &SecurityConfig) -> Proxy {
    Proxy::new(config).unwrap()
}

/// A body of this many chunks, followed by those of `then`.
fn upload(parts: u8, then: impl futures::Stream<Item = u8> + Send + 'static) -> Upload {
    let parts = stream::iter(0..parts).chain(then);
    let frames = parts.map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![part; 50_000]))));
    Upload::streamed(StreamBody::new(frames), 0)
}

#[tokio::test]
async fn proxied_calls_stream_both_ways_over_one_http_2_connection() {
    let authority = Authority::new();
    let receiver = Receiver::with_tls(authority.acceptor("127.0.0.1", &[b"h2", b"http/1.1"]), |request| {
        let mut answer = answer(StatusCode::OK);
        *answer.body_mut() = Full::new(request.body.clone());
        answer
    })
    .await;
    let (proxy, url) = (
        proxy(&authority.config()),
        format!("https://127.0.0.1:{}/", receiver.address.port()),
    );
    let echo = async |parts| {
        let response = pass(&proxy, &url, upload(parts, stream::empty())).await.unwrap();
        response.body.collect_up_to(usize::MAX).await.unwrap().unwrap()
    };
    assert_eq!(echo(1).await.len(), 50_000);
    // More than is sent before anything is read.
    for (body, parts) in future::join_all([5, 60, 60, 2].map(&echo))
        .await
        .iter()
        .zip([5, 60, 60, 2_usize])
    {
        assert!(body.len() == parts * 50_000 && body.chunks(50_000).enumerate().all(|(at, part)| usize::from(part[0]) == at));
    }
    assert!(receiver.requests().iter().all(|request| request.version == Version::HTTP_2));
    assert_eq!((receiver.requests().len(), receiver.connections()), (5, 1));
}

#[tokio::test]
async fn stalled_client_is_distinguished_from_a_stalled_target() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let stalled = pass(&proxy(&config(&["127.0.0.1"])), &receiver.url(), upload(2, stream::pending())).await;
    assert_eq!(stalled.unwrap_err(), CallError::ClientStalled(SOON));
}

/// A target that responds after the beginning of a request, and reads on to its end or until it is hung up on; returns what it read.
async fn answers_early(listener: TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = vec![0; 1024];
    stream.read_exact(&mut read).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        .await
        .unwrap();
    while !read.ends_with(LAST_CHUNK) && stream.read_buf(&mut read).await.unwrap() > 0 {}
    read
}

/// Uploads to such a target.
async fn answered_early(upload: Upload) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let proxy = proxy(&config(&["127.0.0.1"]));
    let calling = async {
        let response = pass(&proxy, &url, upload).await.unwrap();
        assert_eq!(&response.body.collect_up_to(10).await.unwrap().unwrap()[..], b"ok");
    };
    let (read, ()) = timeout(PLENTY, future::join(answers_early(listener), calling)).await.unwrap();
    read
}

#[tokio::test]
async fn early_response_ends_the_upload_when_the_client_stalls() {
    let read = answered_early(upload(1, stream::pending())).await;
    assert!(!read.ends_with(LAST_CHUNK));
}

#[tokio::test]
async fn early_response_lets_a_progressing_upload_complete() {
    let slowly = stream::iter([7; 4]).then(|part| async move {
        tokio::time::sleep(SOON / 4).await;
        part
    });
    let read = answered_early(upload(1, slowly)).await;
    let sevens = read.split(|byte| *byte == 7).count() - 1;
    assert!(read.ends_with(LAST_CHUNK) && sevens == 200_000, "{sevens}");
}

#[tokio::test]
async fn upload_may_outlast_the_deadline_once_the_response_has_begun() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let proxy = proxy(&config(&["127.0.0.1"]));
    let (say, said) = tokio::sync::oneshot::channel();
    let later = stream::once(async move {
        said.await.unwrap();
        7
    });
    let call = call_with_pauses(&url, upload(1, later), PLENTY);
    let calling = async {
        let deadline = Instant::now() + Duration::from_secs(2);
        let response = proxy.pass(&call, deadline).await.unwrap();
        assert_eq!(&response.body.collect_up_to(10).await.unwrap().unwrap()[..], b"ok");
        tokio::time::sleep_until(deadline).await;
        say.send(()).unwrap();
    };
    let (read, ()) = timeout(PLENTY, future::join(answers_early(listener), calling)).await.unwrap();
    assert!(read.ends_with(LAST_CHUNK), "{} bytes", read.len());
}
