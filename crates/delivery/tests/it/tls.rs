//! TLS: trusted certificates, and HTTP/2 by ALPN.

use http::{StatusCode, Version};
use ig_core::outcome::ErrorCategory;
use ig_delivery::{Deliverer, SecurityConfig};
use tempfile::NamedTempFile;

use crate::authority::Authority;
use crate::fixtures::{category, failure, integration, send};
use crate::receiver::{Receiver, answer};

async fn receiver(authority: &Authority, name: &str, protocols: &[&[u8]]) -> (Receiver, String) {
    let receiver = Receiver::with_tls(authority.acceptor(name, protocols), |_| answer(StatusCode::OK)).await;
    let url = format!("https://127.0.0.1:{}/", receiver.address.port());
    (receiver, url)
}

#[tokio::test]
async fn private_authority_is_trusted_where_configured() {
    let authority = Authority::new();
    let (receiver, url) = receiver(&authority, "127.0.0.1", &[b"http/1.1"]).await;
    assert_eq!(category(&send(&integration(&url), &authority.deliverer()).await), None);
    assert_eq!(receiver.only_request().version, Version::HTTP_11);
}

#[tokio::test]
async fn http_2_is_negotiated_and_one_connection_serves_all() {
    let authority = Authority::new();
    let (receiver, url) = receiver(&authority, "127.0.0.1", &[b"h2", b"http/1.1"]).await;
    let (integration, deliverer) = (integration(&url), authority.deliverer());
    assert_eq!(category(&send(&integration, &deliverer).await), None);
    let together = (0..10).map(|_| send(&integration, &deliverer));
    for exchange in futures::future::join_all(together).await {
        assert_eq!(category(&exchange), None);
    }
    assert!(receiver.requests().iter().all(|request| request.version == Version::HTTP_2));
    assert_eq!((receiver.requests().len(), receiver.connections()), (11, 1));
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_or_another_name_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (unknown, url) = receiver(&stranger, "127.0.0.1", &[]).await;
    let exchange = send(&integration(&url), &authority.deliverer()).await;
    let expected = "The target's TLS certificate was refused: no trusted authority issued it.";
    assert_eq!(
        (category(&exchange), failure(&exchange).message.as_str()),
        (Some(ErrorCategory::Network), expected)
    );
    let (misnamed, url) = receiver(&authority, "other.example", &[]).await;
    let exchange = send(&integration(&url), &authority.deliverer()).await;
    assert_eq!(
        failure(&exchange).message,
        "The target's TLS certificate was refused: it is for another name."
    );
    assert!(unknown.requests().is_empty() && misnamed.requests().is_empty());
}

#[tokio::test]
async fn self_signed_certificate_is_trusted_where_pinned_and_for_its_names_alone() {
    let (named, acceptor) = Authority::self_made("127.0.0.1");
    let receiver = Receiver::with_tls(acceptor.clone(), |_| answer(StatusCode::OK)).await;
    let url = format!("https://127.0.0.1:{}/", receiver.address.port());
    assert_eq!(category(&send(&integration(&url), &named.deliverer()).await), None);
    let other = Authority::new();
    let refused = send(&integration(&url), &other.deliverer()).await;
    assert_eq!(category(&refused), Some(ErrorCategory::Network));
    assert!(
        failure(&refused).message.contains("private_ca_file"),
        "{}",
        failure(&refused).message
    );
    let (misnamed, acceptor) = Authority::self_made("other.example");
    let receiver = Receiver::with_tls(acceptor, |_| answer(StatusCode::OK)).await;
    let url = format!("https://127.0.0.1:{}/", receiver.address.port());
    let refused = send(&integration(&url), &misnamed.deliverer()).await;
    assert_eq!(
        failure(&refused).message,
        "The target's TLS certificate was refused: it is for another name."
    );
}

#[tokio::test]
async fn receiver_without_tls_is_no_https_target() {
    let authority = Authority::new();
    let plain = Receiver::answering(StatusCode::OK).await;
    let url = format!("https://127.0.0.1:{}/", plain.address.port());
    let exchange = send(&integration(&url), &authority.deliverer()).await;
    assert_eq!(failure(&exchange).message, "TLS could not be agreed on with the target.");
}

#[test]
fn private_ca_file_without_a_certificate_is_a_fault() {
    let file = NamedTempFile::new().unwrap();
    for path in [file.path().to_owned(), "/nowhere/ca.pem".into()] {
        let config = SecurityConfig {
            private_ca_file: Some(path),
            ..SecurityConfig::default()
        };
        let faults = Deliverer::new(&config).err().unwrap();
        assert_eq!(faults.list()[0].pointer, "/private_ca_file");
    }
}
