//! Signatures, verified by an independent computation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use http::StatusCode;
use ig_core::integration::{Integration, Signing, SigningSecret};
use ring::digest::{SHA256, digest};

use crate::fixtures::{BODY, deliverer, integration, message_id, now, prepare, send};
use crate::receiver::{Received, Receiver};

const KEYS: [&[u8]; 3] = [&[7; 24], &[8; 32], &[9; 64]];

fn signing(url: &str, keys: &[&[u8]]) -> Integration {
    let secrets = keys.iter().map(|key| SigningSecret::from_bytes(key).unwrap()).collect();
    Integration {
        signing: Some(Signing::new(secrets).unwrap()),
        ..integration(url)
    }
}

/// HMAC-SHA256 from its definition (RFC 2104), for keys of up to 64 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(block, key)| *block ^= key);
        block
    };
    let inner = digest(&SHA256, &[&pad(0x36), message].concat());
    digest(&SHA256, &[&pad(0x5c), inner.as_ref()].concat()).as_ref().to_vec()
}

fn expected(request: &Received, key: &[u8]) -> String {
    let (id, timestamp) = (
        request.header("webhook-id").unwrap(),
        request.header("webhook-timestamp").unwrap(),
    );
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &request.body].concat();
    format!("v1,{}", STANDARD.encode(hmac(key, &message)))
}

#[tokio::test]
async fn signature_covers_the_exact_bytes_with_every_live_secret() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let exchange = send(&signing(&receiver.url(), &KEYS), &deliverer()).await;
    let request = receiver.only_request();
    let signatures: Vec<_> = request.header("webhook-signature").unwrap().split(' ').collect();
    let computed: Vec<_> = KEYS.iter().map(|key| expected(&request, key)).collect();
    assert_eq!(signatures, computed);
    assert_eq!(&request.body[..], BODY);
    assert_eq!(request.header("webhook-id"), Some(message_id().to_string().as_str()));
    assert_eq!(exchange.signature.as_deref(), request.header("webhook-signature"));
}

#[tokio::test]
async fn signature_is_made_anew_for_every_attempt_under_the_same_id() {
    let receiver = Receiver::answering(StatusCode::INTERNAL_SERVER_ERROR).await;
    let (prepared, deliverer) = (prepare(&signing(&receiver.url(), &KEYS[..1])), deliverer());
    for at in [now(), now() + Duration::seconds(5)] {
        prepared.sign(at).send(&deliverer).await;
    }
    let requests = receiver.requests();
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_ne!(
        requests[0].header("webhook-signature"),
        requests[1].header("webhook-signature")
    );
    for request in &requests {
        assert_eq!(request.header("webhook-signature"), Some(expected(request, KEYS[0]).as_str()));
    }
}

#[test]
fn signature_reproduces_the_specifications_example() {
    let body = br#"{"test": 2432232314}"#;
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let message = [b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.".as_slice(), body].concat();
    assert_eq!(
        STANDARD.encode(hmac(&key, &message)),
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}
