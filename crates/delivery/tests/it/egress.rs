//! The guard, both when an address is saved and when it is connected to.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::StatusCode;
use ig_core::outcome::ErrorCategory;
use ig_delivery::{Blocked, Deliverer, EgressGuard, Resolve, SecurityConfig};

use crate::fixtures::{category, config, failure, integration, send};
use crate::receiver::Receiver;

/// A resolver that gives its next list of addresses on each call, and repeats the last one.
struct ChangingResolver(Mutex<VecDeque<Vec<IpAddr>>>);

impl ChangingResolver {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(addresses).collect())))
    }
}

#[async_trait]
impl Resolve for ChangingResolver {
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
async fn guard_refuses_every_spelling_of_an_inside_address_on_save_and_send() {
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
async fn guard_keeps_requests_from_a_receiver_that_is_not_allowed() {
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
async fn allow_list_opens_networks_sockets_and_names() {
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
        let deliverer = Deliverer::with_resolver(&config(&[allow]), ChangingResolver::new(&[&["127.0.0.1"]])).unwrap();
        let exchange = send(&integration(&format!("http://{host}:{port}/")), &deliverer).await;
        let expected = (!open).then_some(ErrorCategory::Blocked);
        assert_eq!(category(&exchange), expected, "{host} with {allow}");
    }
}

#[tokio::test]
async fn guard_refuses_a_name_with_one_bad_address() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let url = format!("http://two.example:{}/", receiver.address.port());
    for answer in [
        &["127.0.0.1", "10.0.0.1"],
        &["169.254.169.254", "127.0.0.1"],
        &["127.0.0.1", "fd00::1"],
    ] {
        let deliverer = Deliverer::with_resolver(&config(&["127.0.0.1"]), ChangingResolver::new(&[answer])).unwrap();
        assert_eq!(
            category(&send(&integration(&url), &deliverer).await),
            Some(ErrorCategory::Blocked),
            "{answer:?}"
        );
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn guard_refuses_a_name_that_turns_private_after_saving() {
    let resolver = ChangingResolver::new(&[&["93.184.215.14"], &["10.0.0.1"]]);
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
async fn connector_resolves_a_name_once_for_a_connection() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let port = receiver.address.port();
    let resolver = ChangingResolver::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let deliverer = Deliverer::with_resolver(&config(&["127.0.0.1"]), resolver).unwrap();
    let exchange = send(&integration(&format!("http://rebinding.example:{port}/")), &deliverer).await;
    assert_eq!((category(&exchange), receiver.connections()), (None, 1));
}

#[tokio::test]
async fn connector_tries_the_next_address_when_one_refuses() {
    let receiver = Receiver::answering(StatusCode::OK).await;
    let port = receiver.address.port();
    let resolver = ChangingResolver::new(&[&["127.0.0.9", "127.0.0.1"]]);
    let deliverer = Deliverer::with_resolver(&config(&["127.0.0.0/8"]), resolver).unwrap();
    let exchange = send(&integration(&format!("http://two.example:{port}/")), &deliverer).await;
    assert_eq!((category(&exchange), receiver.connections()), (None, 1));
}

#[tokio::test]
async fn guard_judges_a_saved_name_by_its_addresses() {
    let guard = guard(&SecurityConfig::default());
    let url = "https://name.example/".parse().unwrap();
    let table = [
        (&["93.184.215.14"][..], Ok(())),
        (&[], Ok(())),
        (&["93.184.215.14", "10.0.0.1"], Err(Blocked::NotPublic("private"))),
        (&["169.254.169.254"], Err(Blocked::Metadata)),
    ];
    for (answer, expected) in table {
        let resolver = ChangingResolver::new(&[answer]);
        assert_eq!(guard.check_resolved(&url, resolver.as_ref()).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn guard_can_require_https() {
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
async fn guard_refuses_metadata_services_under_any_allow_list() {
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
fn security_section_reads_from_toml_and_refuses_unknown_keys() {
    let text = "enforce_https = true\nprivate_ca_file = \"ca.pem\"\n[egress]\nallow = [\"10.0.0.0/8\"]\n";
    let config: SecurityConfig = toml::from_str(text).unwrap();
    assert!(config.enforce_https && config.egress.allow == ["10.0.0.0/8"]);
    assert_eq!(toml::from_str::<SecurityConfig>("").unwrap(), SecurityConfig::default());
    assert!(toml::from_str::<SecurityConfig>("[egress]\nalow = []\n").is_err());
}
