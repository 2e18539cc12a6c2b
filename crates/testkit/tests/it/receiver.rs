//! The receiver, seen by a client.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use ig_testkit::receiver::{Answer, Receiver, gzip};

type HttpClient = Client<HttpConnector, Full<Bytes>>;

fn client(http2: bool) -> HttpClient {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

async fn post(client: &HttpClient, url: String, body: &'static str) -> Result<u16, Error> {
    let request = Request::post(url).header("x-test", "1").body(Full::from(body)).unwrap();
    Ok(client.request(request).await?.status().as_u16())
}

#[tokio::test]
async fn receiver_records_requests_over_either_protocol() {
    let receiver = Receiver::start();
    for http2 in [false, true] {
        assert_eq!(
            post(&client(http2), receiver.url("/hook?a=1"), r#"{"n":1}"#).await.unwrap(),
            200
        );
    }
    let requests = receiver.wait_for(2).await;
    for request in &requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str(), request.query.as_deref()),
            ("POST", "/hook", Some("a=1"))
        );
        assert_eq!((request.header("X-Test"), request.json()["n"].as_i64()), (Some("1"), Some(1)));
    }
    assert_ne!(requests[0].version, requests[1].version);
}

#[tokio::test]
async fn receiver_answers_by_script_and_then_by_default() {
    let receiver = Receiver::start();
    receiver.script("/a", [Answer::status(500), Answer::status(429).header("retry-after", "2")]);
    receiver.always("/a", Answer::status(204));
    receiver.otherwise(Answer::status(404));
    let client = client(false);
    let mut seen = Vec::new();
    for path in ["/a", "/a", "/b", "/a", "/a"] {
        seen.push(post(&client, receiver.url(path), "").await.unwrap());
    }
    assert_eq!(seen, [500, 429, 404, 204, 204]);
    assert_eq!(receiver.requests_to("/a").len(), 4);
}

#[tokio::test]
async fn receiver_resets_cuts_hangs_and_delays_answers() {
    let receiver = Receiver::start();
    receiver.always("/reset", Answer::reset());
    receiver.always("/cut", Answer::status(200).cut_after("half"));
    receiver.always("/hang", Answer::hang());
    receiver.always("/late", Answer::status(200).after(Duration::from_millis(50)));
    let client = client(false);
    assert!(post(&client, receiver.url("/reset"), "").await.is_err());
    let cut = client.get(receiver.url("/cut").parse().unwrap()).await.unwrap();
    assert!(cut.into_body().collect().await.is_err());
    let hanging = tokio::time::timeout(Duration::from_millis(50), post(&client, receiver.url("/hang"), ""));
    assert!(hanging.await.is_err());
    let began = Instant::now();
    post(&client, receiver.url("/late"), "").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn receiver_drips_endless_bodies_and_ends_repeated_ones() {
    let receiver = Receiver::start();
    receiver.always("/drip", Answer::drip("x", Duration::from_millis(1)));
    receiver.always("/much", Answer::status(200).repeated(vec![0; 1024], 1000));
    let client = client(false);
    let mut dripping = client.get(receiver.url("/drip").parse().unwrap()).await.unwrap().into_body();
    for _ in 0..3 {
        assert!(!dripping.frame().await.unwrap().unwrap().into_data().unwrap().is_empty());
    }
    let much = client.get(receiver.url("/much").parse().unwrap()).await.unwrap();
    assert_eq!(much.into_body().collect().await.unwrap().to_bytes().len(), 1024 * 1000);
}

#[tokio::test]
async fn gzip_compresses_a_bomb() {
    let bomb = gzip(&vec![0; 10_000_000]).await;
    assert_eq!(bomb[..2], [0x1f, 0x8b]);
    assert!(bomb.len() < 20_000);
}
