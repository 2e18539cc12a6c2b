//! Headers: the gateway's, credentials, and custom ones.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use ig_core::header_lines::HeaderLines;
use ig_core::integration::{HttpMethod, Integration, OutgoingAuth};
use ig_core::secret::{MASK, Secret};
use ig_delivery::Template;

use crate::fixtures::{BODY, TRACE_PARENT, deliverer, integration, message_id, send};
use crate::receiver::{Received, Receiver, answer};

async fn received_with(change: impl FnOnce(&mut Integration)) -> (Received, HeaderLines) {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let mut integration = integration(&receiver.url());
    change(&mut integration);
    let exchange = send(&integration, &deliverer()).await;
    assert_eq!(exchange.attempt.failure, None);
    (receiver.only_request(), exchange.request_headers)
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn fault_pointers(change: impl FnOnce(&mut Integration)) -> Vec<String> {
    let mut integration = integration("https://example.org/");
    change(&mut integration);
    let faults = Template::compile(&integration, &integration.planned_actions()[0]).unwrap_err();
    assert!(!faults.to_string().contains("s3cret"), "a fault quotes no secret");
    faults.list().iter().map(|fault| fault.pointer.clone()).collect()
}

#[tokio::test]
async fn request_is_sent_as_prepared() {
    let (request, _) = received_with(|integration| integration.target.method = HttpMethod::Put).await;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/hook?x=1"));
    assert_eq!(&request.body[..], BODY);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.header("user-agent"),
        Some(concat!("Integration-Gateway/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(request.header("x-correlation-id"), Some("corr-1"));
    assert_eq!(request.header("traceparent"), Some(TRACE_PARENT));
    assert_eq!(request.header("content-length"), Some("10"));
    assert_eq!(request.header("webhook-id"), Some(message_id().to_string().as_str()));
    assert!(request.header("webhook-timestamp").unwrap().parse::<i64>().is_ok());
    assert_eq!(
        (request.header("webhook-signature"), request.header("authorization")),
        (None, None)
    );
}

#[tokio::test]
async fn credentials_of_every_kind_arrive_and_are_masked_in_the_log() {
    let table = [
        (
            OutgoingAuth::ApiKey {
                header_name: "X-Hospital-Key".to_owned(),
                api_key: secret("k1"),
            },
            "x-hospital-key",
            "k1",
        ),
        (OutgoingAuth::Bearer { token: secret("t1") }, "authorization", "Bearer t1"),
        (
            OutgoingAuth::Basic {
                username: "user".to_owned(),
                password: secret("pä:ss"),
            },
            "authorization",
            "Basic dXNlcjpww6Q6c3M=",
        ),
        (
            OutgoingAuth::CustomHeaders {
                headers: vec![("X-One".to_owned(), secret("1"))],
            },
            "x-one",
            "1",
        ),
    ];
    for (auth, name, value) in table {
        let (request, kept) = received_with(|integration| integration.auth = auth).await;
        assert_eq!(request.header(name), Some(value));
        assert_eq!(kept.get(name), Some(MASK), "{kept:?}");
        assert_eq!(kept.get("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn custom_headers_never_replace_reserved_ones_or_a_credential() {
    let (request, kept) = received_with(|integration| {
        integration.auth = OutgoingAuth::Bearer { token: secret("t1") };
        integration.headers = vec![
            pair("X-Ward", "7"),
            pair("X-Ward", "8"),
            pair("Authorization", "Bearer other"),
            pair("Content-Type", "text/plain"),
            pair("Host", "elsewhere"),
            pair("Content-Length", "0"),
            pair("Transfer-Encoding", "chunked"),
            pair("Webhook-Signature", "v1,forged"),
            pair("X-Api-Key", "k"),
        ];
    })
    .await;
    let wards: Vec<_> = request.headers.get_all("x-ward").iter().collect();
    assert_eq!(wards, ["7", "8"]);
    assert_eq!(request.header("authorization"), Some("Bearer t1"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("host").unwrap().starts_with("127.0.0.1:"));
    assert_eq!((request.header("webhook-signature"), &request.body[..]), (None, BODY));
    let key = kept.get("x-api-key");
    assert_eq!(
        key,
        Some(MASK),
        "a name that usually carries a credential is masked: {kept:?}"
    );
}

#[tokio::test]
async fn echoed_credential_is_masked_in_the_log() {
    let receiver = Receiver::start(|request| {
        let mut answer = answer(StatusCode::OK);
        let sent = request.header("authorization").unwrap();
        answer.headers_mut().insert("x-echo", sent.parse().unwrap());
        *answer.body_mut() = Full::new(Bytes::from(format!("{{\"sent\": \"{sent}\"}}")));
        answer
    })
    .await;
    let mut integration = integration(&receiver.url());
    integration.auth = OutgoingAuth::Bearer { token: secret("s3cret") };
    let attempt = send(&integration, &deliverer()).await.attempt;
    assert_eq!(&attempt.response_body.unwrap().bytes[..], b"{\"sent\": \"Bearer ********\"}");
    let echoed = attempt.response_headers.get("x-echo");
    assert_eq!(echoed, Some(MASK), "a value that looks like a credential is masked whole");
}

#[test]
fn template_reports_settings_that_cannot_be_applied_as_faults() {
    let key = |header_name: &str, api_key: &str| OutgoingAuth::ApiKey {
        header_name: header_name.to_owned(),
        api_key: secret(api_key),
    };
    let table = [
        (key("Host", "s3cret"), "/outgoingAuthConfig/headerName"),
        (key("a b", "s3cret"), "/outgoingAuthConfig/headerName"),
        (key("X-Key", "s3cret\r\nX-Evil: 1"), "/outgoingAuthConfig/apiKey"),
        (key("X-Key", ""), "/outgoingAuthConfig/apiKey"),
        (
            OutgoingAuth::Bearer {
                token: secret("s3cret\n"),
            },
            "/outgoingAuthConfig/token",
        ),
        (OutgoingAuth::Bearer { token: secret("") }, "/outgoingAuthConfig/token"),
        (
            OutgoingAuth::Basic {
                username: "a:b".to_owned(),
                password: secret("s3cret"),
            },
            "/outgoingAuthConfig/username",
        ),
        (
            OutgoingAuth::CustomHeaders {
                headers: vec![("Webhook-Id".to_owned(), secret("s3cret"))],
            },
            "/outgoingAuthConfig/headers/Webhook-Id",
        ),
    ];
    for (auth, pointer) in table {
        assert_eq!(fault_pointers(|integration| integration.auth = auth), [pointer]);
    }
    let headers = vec![
        pair("a b", "1"),
        pair("X-Ok", "1"),
        pair("X/Bad~", "1"),
        pair("X-Two", "s3cret\n"),
    ];
    let pointers = fault_pointers(|integration| integration.headers = headers);
    assert_eq!(pointers, ["/headers/a b", "/headers/X~1Bad~0", "/headers/X-Two"]);
}
