//! OAuth 2.0 tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use ig_core::id::OrgId;
use ig_core::integration::{ClientCredentials, CredentialsLocation, Integration, OutgoingAuth};
use ig_core::outcome::ErrorCategory;
use ig_core::secret::Secret;
use ig_delivery::Deliverer;

use crate::fixtures::{category, config, deliverer, failure, integration, now, prepare, send};
use crate::receiver::{Answer, Received, Receiver, answer};

fn with_token(target: &str, endpoint: &str) -> Integration {
    Integration {
        auth: OutgoingAuth::OAuth2(Box::new(ClientCredentials {
            token_url: endpoint.parse().unwrap(),
            client_id: "gate:way".to_owned(),
            client_secret: Secret::new("s3cret ü"),
            scope: Some("orders write".to_owned()),
            audience: None,
            location: CredentialsLocation::Header,
        })),
        ..integration(target)
    }
}

fn changed(mut integration: Integration, change: impl FnOnce(&mut ClientCredentials)) -> Integration {
    let OutgoingAuth::OAuth2(credentials) = &mut integration.auth else {
        panic!("it carries a token")
    };
    change(credentials);
    integration
}

fn json(status: u16, body: impl Into<String>) -> Answer {
    let mut answer = answer(StatusCode::from_u16(status).unwrap());
    *answer.body_mut() = Full::new(Bytes::from(body.into()));
    answer
}

/// Grants `token-1`, `token-2` and so on.
async fn endpoint(expires_in: &'static str) -> Receiver {
    let granted = AtomicUsize::default();
    Receiver::start(move |_| {
        let number = granted.fetch_add(1, Ordering::SeqCst) + 1;
        json(
            200,
            format!("{{\"access_token\":\"token-{number}\",\"token_type\":\"Bearer\",\"expires_in\":{expires_in}}}"),
        )
    })
    .await
}

fn bearer(request: &Received) -> &str {
    request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
}

#[tokio::test]
async fn token_is_requested_as_the_standard_says_and_masked() {
    let (target, endpoint) = (Receiver::answering(StatusCode::OK).await, endpoint("3600").await);
    let exchange = send(&with_token(&target.url(), &endpoint.url()), &deliverer()).await;
    assert_eq!(exchange.attempt.failure, None);
    assert_eq!(bearer(&target.only_request()), "token-1");
    assert!(!format!("{exchange:?}").contains("token-1"));
    let asked = endpoint.only_request();
    assert_eq!(&asked.body[..], b"grant_type=client_credentials&scope=orders+write");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let basic = asked.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    assert_eq!(STANDARD.decode(basic).unwrap(), b"gate%3Away:s3cret+%C3%BC");
}

#[tokio::test]
async fn token_request_may_carry_credentials_in_the_form() {
    let (target, endpoint) = (Receiver::answering(StatusCode::OK).await, endpoint("\"3600\"").await);
    let integration = changed(with_token(&target.url(), &endpoint.url()), |credentials| {
        credentials.location = CredentialsLocation::Body;
        credentials.scope = None;
        credentials.audience = Some("https://api.example".to_owned());
    });
    assert_eq!(send(&integration, &deliverer()).await.attempt.failure, None);
    let asked = endpoint.only_request();
    assert_eq!(asked.header("authorization"), None);
    let form =
        "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example&client_id=gate%3Away&client_secret=s3cret+%C3%BC";
    assert_eq!(&asked.body[..], form.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_requested_once_for_five_hundred_concurrent_deliveries() {
    let (target, endpoint) = (Receiver::answering(StatusCode::OK).await, endpoint("3600").await);
    let integration = Arc::new(with_token(&target.url(), &endpoint.url()));
    let deliverer = deliverer();
    let sending = (0..500).map(|_| {
        let (integration, deliverer) = (integration.clone(), deliverer.clone());
        async move { send(&integration, &deliverer).await.attempt.failure }
    });
    let failures = futures::future::join_all(sending).await;
    assert!(failures.iter().all(Option::is_none), "{failures:?}");
    assert_eq!(endpoint.requests().len(), 1);
}

#[tokio::test]
async fn token_refusal_is_shared_by_waiting_deliveries() {
    let target = Receiver::answering(StatusCode::OK).await;
    let endpoint = Receiver::start(|_| json(401, "{\"error\":\"invalid_client\"}")).await;
    let integration = with_token(&target.url(), &endpoint.url());
    let deliverer = deliverer();
    let exchanges = futures::future::join_all((0..50).map(|_| send(&integration, &deliverer))).await;
    for exchange in &exchanges {
        assert_eq!(category(exchange), Some(ErrorCategory::Auth));
        assert_eq!(
            failure(exchange).message,
            "No token was granted: the token endpoint answered 401 Unauthorized (invalid_client)."
        );
        assert_eq!((exchange.attempt.response_status, &exchange.token), (None, &None));
    }
    assert!(endpoint.requests().len() < 5, "{}", endpoint.requests().len());
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn token_that_was_refused_is_replaced_once_however_many_report_it() {
    let target = Receiver::start(|request| match bearer(request) {
        "token-1" => answer(StatusCode::UNAUTHORIZED),
        _ => answer(StatusCode::OK),
    })
    .await;
    let endpoint = endpoint("3600").await;
    let integration = with_token(&target.url(), &endpoint.url());
    let (deliverer, prepared) = (deliverer(), prepare(&integration));
    let first = prepared.sign(now()).send(&deliverer).await;
    let second = prepared.sign(now()).send(&deliverer).await;
    assert_eq!(
        (category(&first), category(&second)),
        (Some(ErrorCategory::Auth), Some(ErrorCategory::Auth))
    );
    for exchange in [&first, &second] {
        prepared.refuse_token(exchange.token.as_ref().unwrap(), &deliverer);
        let again = prepared.sign(now()).send(&deliverer).await;
        assert_eq!(again.attempt.failure, None);
    }
    assert_eq!(endpoint.requests().len(), 2);
}

#[tokio::test]
async fn token_that_has_expired_is_not_used() {
    let (target, endpoint) = (Receiver::answering(StatusCode::OK).await, endpoint("0").await);
    let integration = with_token(&target.url(), &endpoint.url());
    let deliverer = deliverer();
    for _ in 0..3 {
        assert_eq!(send(&integration, &deliverer).await.attempt.failure, None);
    }
    let sent: Vec<_> = target.requests().iter().map(|request| bearer(request).to_owned()).collect();
    assert_eq!(sent, ["token-1", "token-2", "token-3"]);
}

#[tokio::test]
async fn tokens_are_not_shared_between_tenants() {
    let (target, endpoint) = (Receiver::answering(StatusCode::OK).await, endpoint("3600").await);
    let deliverer = deliverer();
    let one = with_token(&target.url(), &endpoint.url());
    let other = Integration {
        org_id: OrgId(2),
        ..one.clone()
    };
    send(&one, &deliverer).await;
    send(&other, &deliverer).await;
    assert_eq!(endpoint.requests().len(), 2);
}

#[tokio::test]
async fn token_endpoint_failures_are_distinguished_and_send_nothing() {
    let table = [
        (500, "", ErrorCategory::ServerError),
        (429, "", ErrorCategory::RateLimit),
        (400, "{\"error\":\"invalid_scope\"}", ErrorCategory::Auth),
        (302, "", ErrorCategory::Auth),
        (200, "no json", ErrorCategory::Auth),
        (200, "{}", ErrorCategory::Auth),
        (200, "{\"access_token\":\"\"}", ErrorCategory::Auth),
        (200, "{\"access_token\":\"t\",\"token_type\":\"mac\"}", ErrorCategory::Auth),
        (200, "{\"access_token\":\"a\\nb\"}", ErrorCategory::Config),
    ];
    let target = Receiver::answering(StatusCode::OK).await;
    for (status, body, wanted) in table {
        let endpoint = Receiver::start(move |_| json(status, body)).await;
        let exchange = send(&with_token(&target.url(), &endpoint.url()), &deliverer()).await;
        assert_eq!(category(&exchange), Some(wanted), "{status} {body}");
        assert!(failure(&exchange).message.contains("token"), "{}", failure(&exchange).message);
    }
    let unreachable = with_token(&target.url(), "http://127.0.0.1:1/token");
    let exchange = send(&unreachable, &deliverer()).await;
    assert_eq!(category(&exchange), Some(ErrorCategory::Network));
    assert_eq!(
        failure(&exchange).message,
        "No token was granted: the token endpoint refused the connection."
    );
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn token_endpoint_is_judged_by_the_guard() {
    let endpoint = endpoint("3600").await;
    let deliverer = Deliverer::new(&config(&[])).unwrap();
    let exchange = send(&with_token("http://8.8.8.8/", &endpoint.url()), &deliverer).await;
    assert_eq!(category(&exchange), Some(ErrorCategory::Blocked));
    assert!(endpoint.requests().is_empty());
}

#[tokio::test]
async fn token_endpoint_that_hangs_costs_no_more_than_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let integration = Integration {
        timeout: Duration::from_millis(300),
        ..with_token("http://127.0.0.1:1/", &url)
    };
    let exchange = send(&integration, &deliverer()).await;
    assert_eq!(category(&exchange), Some(ErrorCategory::Timeout));
}

#[tokio::test]
async fn echoed_token_is_masked_in_the_log() {
    let target = Receiver::start(|request| json(200, bearer(request).to_owned())).await;
    let endpoint = endpoint("3600").await;
    let exchange = send(&with_token(&target.url(), &endpoint.url()), &deliverer()).await;
    let kept = exchange.attempt.response_body.unwrap().bytes;
    assert_eq!(&kept[..], b"********");
}
