//! The guard, asked when an address is saved and met when it is connected to.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::StatusCode;
use ig_core::outcome::ErrorCategory;
use ig_delivery::{Blocked, Deliverer, EgressGuard, Resolve, SecurityConfig};

use crate::receiver::Receiver;
use crate::setting::{category, config, failure, integration, send};

/// A name server that answers each question with the next of its answers, and the last one for ever.
struct Changing(Mutex<VecDeque<Vec<IpAddr>>>);

impl Changing {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(addresses).collect())))
    }
}

#[async_trait]
impl Resolve for Changing {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        Ok(next.unwrap_or_default())
    }
}

fn guard(config: &SecurityConfig) -> EgressGuard {
    EgressGuard::new(config).unwrap()
}

#[tokio::test]
async fn every_spelling_of_the_inside_is_refused_when_saved_and_when_sent_to() {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7F000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0",
        "10.0.0.1",
        "192.168.1.1",
        "172.31.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "[::1]",
        "[::]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a00:1]",
        "[::10.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:a00:1::]",
        "[2001:0:1:2::3]",
        "[fd00::1]",
        "[fe80::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "metadata.google.internal",
        "169.254.169.254",
        "0xa9fea9fe",
    ];
    let deliverer = Deliverer::new(&SecurityConfig::default()).unwrap();
    for host in hosts {
        let integration = integration(&format!("http://{host}:9/"));
        assert!(deliverer.guard().check_url(&integration.target.url).is_err(), "{host}");
        assert_eq!(
            category(&send(&integration, &deliverer).await),
            Some(ErrorCategory::Blocked),
            "{host}"
        );
    }
}

#[tokio::test]
async fn nothing_reaches_a_receiver_that_is_not_open() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let deliverer = Deliverer::new(&SecurityConfig::default()).unwrap();
    let exchange = send(&integration(&receiver.url()), &deliverer).await;
    assert_eq!(
        failure(&exchange).message,
        "The target's address is not public: it is loopback."
    );
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn what_is_opened_by_network_by_socket_and_by_name_is_reached() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let port = receiver.address.port();
    let (socket, name) = (format!("127.0.0.1:{port}"), format!("inside.example:{port}"));
    let table = [
        ("127.0.0.0/8", "127.0.0.1", true),
        ("127.0.0.0/8", "0x7f.1", true),
        ("127.0.0.0/8", "localhost", true),
        (socket.as_str(), "127.0.0.1", true),
        ("127.0.0.1:1", "127.0.0.1", false),
        (name.as_str(), "inside.example", true),
        (name.as_str(), "other.example", false),
    ];
    for (allow, host, open) in table {
        let deliverer = Deliverer::with_resolver(&config(&[allow]), Changing::new(&[&["127.0.0.1"]])).unwrap();
        let exchange = send(&integration(&format!("http://{host}:{port}/")), &deliverer).await;
        let expected = (!open).then_some(ErrorCategory::Blocked);
        assert_eq!(category(&exchange), expected, "{host} with {allow}");
    }
}

#[tokio::test]
async fn one_bad_address_refuses_the_name() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let url = format!("http://two.example:{}/", receiver.address.port());
    for answer in [
        &["127.0.0.1", "10.0.0.1"],
        &["169.254.169.254", "127.0.0.1"],
        &["127.0.0.1", "fd00::1"],
    ] {
        let deliverer = Deliverer::with_resolver(&config(&["127.0.0.1"]), Changing::new(&[answer])).unwrap();
        assert_eq!(
            category(&send(&integration(&url), &deliverer).await),
            Some(ErrorCategory::Blocked),
            "{answer:?}"
        );
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_private_after_it_was_saved_is_refused() {
    let resolver = Changing::new(&[&["93.184.215.14"], &["10.0.0.1"]]);
    let deliverer = Deliverer::with_resolver(&SecurityConfig::default(), resolver.clone()).unwrap();
    let integration = integration("http://rebinding.example/");
    let saved = deliverer
        .guard()
        .check_resolved(&integration.target.url, resolver.as_ref())
        .await;
    assert_eq!(saved, Ok(()));
    assert_eq!(category(&send(&integration, &deliverer).await), Some(ErrorCategory::Blocked));
}

#[tokio::test]
async fn a_connection_asks_for_its_name_once_and_goes_where_it_was_told() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let port = receiver.address.port();
    let resolver = Changing::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let deliverer = Deliverer::with_resolver(&config(&["127.0.0.1"]), resolver).unwrap();
    let exchange = send(&integration(&format!("http://rebinding.example:{port}/")), &deliverer).await;
    assert_eq!((category(&exchange), receiver.connections()), (None, 1));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let port = receiver.address.port();
    let resolver = Changing::new(&[&["127.0.0.9", "127.0.0.1"]]);
    let deliverer = Deliverer::with_resolver(&config(&["127.0.0.0/8"]), resolver).unwrap();
    let exchange = send(&integration(&format!("http://two.example:{port}/")), &deliverer).await;
    assert_eq!((category(&exchange), receiver.connections()), (None, 1));
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to_when_it_is_saved() {
    let guard = guard(&SecurityConfig::default());
    let url = "https://name.example/".parse().unwrap();
    let table = [
        (&["93.184.215.14"][..], Ok(())),
        (&[], Ok(())),
        (&["93.184.215.14", "10.0.0.1"], Err(Blocked::NotPublic("private"))),
        (&["169.254.169.254"], Err(Blocked::Metadata)),
    ];
    for (answer, expected) in table {
        let resolver = Changing::new(&[answer]);
        assert_eq!(guard.check_resolved(&url, resolver.as_ref()).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn https_can_be_demanded() {
    let config = SecurityConfig {
        enforce_https: true,
        ..config(&["127.0.0.0/8"])
    };
    let receiver = Receiver::answering(StatusCode::OK).await;
    let url = receiver.url().parse().unwrap();
    assert_eq!(guard(&config).check_url(&url), Err(Blocked::NotHttps));
    let exchange = send(&integration(&receiver.url()), &Deliverer::new(&config).unwrap()).await;
    assert_eq!(
        (category(&exchange), receiver.connections()),
        (Some(ErrorCategory::Blocked), 0)
    );
}

#[tokio::test]
async fn a_metadata_service_is_refused_under_any_allowance() {
    let everything = config(&["0.0.0.0/0", "::/0", "169.254.169.254:80", "metadata.google.internal:80"]);
    let deliverer = Deliverer::new(&everything).unwrap();
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "metadata.google.internal",
        "100.100.100.200",
    ] {
        let exchange = send(&integration(&format!("http://{host}/")), &deliverer).await;
        assert_eq!(
            failure(&exchange).message,
            "The target is a cloud metadata service.",
            "{host}"
        );
    }
}

#[test]
fn the_section_reads_from_toml_and_refuses_what_it_does_not_know() {
    let text = "enforce_https = true\nprivate_ca_file = \"ca.pem\"\n[egress]\nallow = [\"10.0.0.0/8\"]\n";
    let config: SecurityConfig = toml::from_str(text).unwrap();
    assert!(config.enforce_https && config.egress.allow == ["10.0.0.0/8"]);
    assert_eq!(toml::from_str::<SecurityConfig>("").unwrap(), SecurityConfig::default());
    assert!(toml::from_str::<SecurityConfig>("[egress]\nalow = []\n").is_err());
}
