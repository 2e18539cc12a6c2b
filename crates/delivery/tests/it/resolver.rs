//! Name resolution by the machine's files.

use std::fs;
use std::net::IpAddr;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use ig_delivery::{Resolve as _, ResolverFiles, SystemResolver};
use ig_testkit::wait::eventually;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fixtures::PLENTY;

/// The files of a machine whose name server listens on a port of this one.
struct Machine {
    folder: TempDir,
    port: u16,
}

impl Machine {
    fn new(port: u16, hosts: &str, options: &str) -> Self {
        let machine = Self {
            folder: TempDir::new().unwrap(),
            port,
        };
        machine.write_hosts(hosts);
        fs::write(machine.files().resolv_conf, format!("nameserver 127.0.0.1\n{options}\n")).unwrap();
        machine
    }

    fn write_hosts(&self, hosts: &str) {
        fs::write(self.files().hosts, hosts).unwrap();
    }

    fn files(&self) -> ResolverFiles {
        ResolverFiles {
            hosts: self.folder.path().join("hosts"),
            resolv_conf: self.folder.path().join("resolv.conf"),
            port: self.port,
        }
    }

    fn resolver(&self) -> SystemResolver {
        SystemResolver::with_files(self.files())
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A name server that takes questions and never answers, until it is dropped.
async fn silent_server() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// A name server that knows the address of one name, and denies all others.
async fn server_knowing(name: &'static str, address: [u8; 4]) -> (JoinSet<()>, u16) {
    let (socket, port) = silent_server().await;
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut question = [0; 1_500];
        while let Ok((_, from)) = socket.recv_from(&mut question).await {
            let _ = socket.send_to(&dns_answer(&question, name, address), from).await;
        }
    });
    (serving, port)
}

/// The answer to a question (RFC 1035, section 4).
fn dns_answer(question: &[u8], known: &str, address: [u8; 4]) -> Vec<u8> {
    const A: [u8; 2] = [0, 1];
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
        at = end;
    }
    let is_known = labels.join(".") == known;
    let has_address = is_known && question[at + 1..at + 3] == A;
    let flags = if is_known { [0x81, 0x80] } else { [0x81, 0x83] };
    let mut answer = question[..2].to_vec();
    answer.extend(flags);
    answer.extend([0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    answer.extend(&question[12..at + 5]);
    if has_address {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address);
    }
    answer
}

#[test]
fn resolver_ends_silent_lookups_in_time_without_threads() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_silent, port) = silent_server().await;
        let machine = Machine::new(port, "", "");
        let resolver = machine.resolver();
        let names: Vec<_> = (0..100).map(|number| format!("n{number}.silent.example")).collect();
        let mut lookups: FuturesUnordered<_> = names.iter().map(|name| resolver.resolve(name)).collect();
        let others = async {
            for _ in 0..10 {
                tokio::task::spawn_blocking(|| ()).await.unwrap();
            }
        };
        tokio::select! {
            biased;
            result = lookups.next() => panic!("{result:?}"),
            () = others => {}
        }
        let ended: Vec<_> = timeout(PLENTY, lookups.collect()).await.unwrap();
        assert!(ended.len() == 100 && ended.iter().all(Result::is_err), "{ended:?}");
    });
}

#[tokio::test]
async fn resolver_follows_the_hosts_file_without_a_server() {
    let (_silent, port) = silent_server().await;
    let machine = Machine::new(port, "10.9.8.7 imaging imaging.ward.example # x-ray\n", "");
    let resolver = machine.resolver();
    assert_eq!(resolver.resolve("imaging.ward.example").await.unwrap(), [address("10.9.8.7")]);
    machine.write_hosts("10.9.8.6 imaging\nfd00::6 imaging\n");
    eventually("it has moved", async || {
        let found = resolver.resolve("imaging").await;
        found.is_ok_and(|found| found == [address("10.9.8.6"), address("fd00::6")])
    })
    .await;
}

#[tokio::test]
async fn resolver_applies_search_domains_to_short_names() {
    let (_serving, port) = server_knowing("printer.ward.example", [10, 1, 2, 3]).await;
    let machine = Machine::new(port, "", "search lab.example ward.example");
    let resolver = machine.resolver();
    assert_eq!(resolver.resolve("printer").await.unwrap(), [address("10.1.2.3")]);
    assert_eq!(resolver.resolve("printer.ward.example").await.unwrap(), [address("10.1.2.3")]);
    assert!(resolver.resolve("scanner").await.is_err());
}
