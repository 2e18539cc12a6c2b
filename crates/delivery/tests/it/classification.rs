//! Statuses and `Retry-After`.

use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use ig_core::outcome::ErrorCategory;
use ig_core::secret::MASK;

use crate::fixtures::{category, failure, now, send_to};
use crate::receiver::{Receiver, answer};

#[tokio::test]
async fn status_maps_to_its_category_and_a_refused_static_credential_is_a_refusal() {
    use ErrorCategory::{ClientError, RateLimit, ServerError, Timeout};
    let table = [
        (200, None),
        (204, None),
        (304, Some(ClientError)),
        (400, Some(ClientError)),
        (401, Some(ClientError)),
        (403, Some(ClientError)),
        (408, Some(Timeout)),
        (425, Some(RateLimit)),
        (429, Some(RateLimit)),
        (500, Some(ServerError)),
        (503, Some(ServerError)),
        (504, Some(Timeout)),
    ];
    for (status, expected) in table {
        let receiver = Receiver::answering(StatusCode::from_u16(status).unwrap()).await;
        let exchange = send_to(&receiver.url()).await;
        assert_eq!(category(&exchange), expected, "{status}");
        assert_eq!(exchange.attempt.response_status, Some(status));
    }
}

#[tokio::test]
async fn response_is_kept() {
    let receiver = Receiver::start(|_| {
        let mut answer = answer(StatusCode::CREATED);
        answer.headers_mut().insert("x-request", HeaderValue::from_static("7"));
        answer.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("session=1"));
        *answer.body_mut() = Full::new(Bytes::from_static(b"taken"));
        answer
    })
    .await;
    let attempt = send_to(&receiver.url()).await.attempt;
    let body = attempt.response_body.unwrap();
    assert_eq!((&body.bytes[..], body.truncated), (&b"taken"[..], false));
    assert_eq!(attempt.response_headers.get("x-request"), Some("7"));
    assert_eq!(attempt.response_headers.get("set-cookie"), Some(MASK));
    assert!(attempt.started_at <= now());
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let elsewhere = Receiver::answering(StatusCode::OK).await;
    let location = elsewhere.url();
    let receiver = Receiver::start(move |_| {
        let mut answer = answer(StatusCode::TEMPORARY_REDIRECT);
        answer.headers_mut().insert(LOCATION, location.parse().unwrap());
        answer
    })
    .await;
    let exchange = send_to(&receiver.url()).await;
    assert_eq!(category(&exchange), Some(ErrorCategory::ClientError));
    assert_eq!((receiver.requests().len(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn retry_after_of_a_target_is_read() {
    let date = (now() + chrono::Duration::seconds(600))
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let table = [
        ("120".to_owned(), Some(120..=120)),
        (date, Some(500..=600)),
        ("soon".to_owned(), None),
    ];
    for (value, expected) in table {
        let receiver = Receiver::start(move |_| {
            let mut answer = answer(StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, value.parse().unwrap());
            answer
        })
        .await;
        let wait = failure(&send_to(&receiver.url()).await)
            .retry_after
            .map(|wait| wait.as_secs());
        match expected {
            Some(range) => assert!(wait.is_some_and(|wait| range.contains(&wait)), "{wait:?}"),
            None => assert_eq!(wait, None::<Duration>.map(|wait| wait.as_secs())),
        }
    }
}
