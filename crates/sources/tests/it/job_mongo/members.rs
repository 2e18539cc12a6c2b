//! Replica sets: members that answer as a test wants, in front of the real server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use ig_core::job::{FetchError, FetchLimits};
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinSet;

use super::{LIMITS, TestGuard, blocked, fetch, fetch_from, server, with_rows};

/// A member that answers the first question of a fetch with `hello`, and leaves the rest to the real server.
async fn member(hello: Document, real: SocketAddr) -> (JoinSet<()>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer(stream, hello.clone(), real));
        }
    });
    (serving, address)
}

async fn answer(mut stream: TcpStream, hello: Document, real: SocketAddr) -> Option<()> {
    let mut message = vec![0; 16];
    stream.read_exact(&mut message).await.ok()?;
    let length = usize::try_from(i32::from_le_bytes(*message.first_chunk()?)).ok()?;
    message.resize(length, 0);
    stream.read_exact(&mut message[16..]).await.ok()?;
    // The driver introduces itself; the question of a fetch does not.
    let question = RawDocument::from_bytes(message.get(21..)?).ok();
    if question.is_some_and(|question| {
        question.get_str("$db").is_ok_and(|name| name == "admin") && question.get_document("client").is_err()
    }) {
        return stream.write_all(&reply(&hello)).await.ok();
    }
    let mut upstream = TcpStream::connect(real).await.ok()?;
    upstream.write_all(&message).await.ok()?;
    tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.map(drop).ok()
}

fn reply(hello: &Document) -> Vec<u8> {
    let document = RawDocumentBuf::try_from(hello).unwrap();
    let length = i32::try_from(21 + document.as_bytes().len()).unwrap();
    let header = [length, 1, 1, 2_013].map(i32::to_le_bytes).concat();
    [&header, &[0; 5][..], document.as_bytes()].concat()
}

fn primary(hosts: &[&str]) -> Document {
    doc! { "ok": 1, "setName": "rs", "isWritablePrimary": true, "hosts": hosts }
}

#[tokio::test]
async fn external_mongo_asks_the_guard_about_members_that_a_server_names() {
    let database = with_rows(2).await;
    let real = server(&database);
    let hosts = [
        "first.example:27017",
        "10.0.0.9:27017",
        "/tmp/mongodb-27017.sock",
        "second.example:5",
    ];
    let (_first, first) = member(primary(&hosts), real).await;
    let (_second, second) = member(
        doc! { "ok": 1, "setName": "rs", "secondary": true, "hosts": hosts.to_vec() },
        real,
    )
    .await;
    let guard = TestGuard::new(move |host, _| match host {
        "first.example" => Ok(vec![first]),
        "second.example" => Ok(vec![second]),
        _ => Err(blocked()),
    });
    let found = fetch_from("mongodb://first.example/", &database, &json!([]), &guard, &LIMITS)
        .await
        .unwrap();
    assert_eq!(found.records.len(), 2);
    let asked = guard.asked();
    assert_eq!(
        asked[..4],
        [
            "first.example:27017",
            "first.example:27017",
            "10.0.0.9:27017",
            "second.example:5"
        ]
    );
    assert!(
        asked[4..].iter().all(|host| host == "second.example:5"),
        "the secondary is read from: {asked:?}"
    );
}

#[tokio::test]
async fn external_mongo_reads_from_the_primary_if_its_other_members_are_private() {
    let database = with_rows(2).await;
    let (_first, first) = member(primary(&["first.example", "10.0.0.9"]), server(&database)).await;
    let guard = TestGuard::new(move |host, _| {
        if host == "first.example" {
            Ok(vec![first])
        } else {
            Err(blocked())
        }
    });
    let found = fetch_from("mongodb://first.example/", &database, &json!([]), &guard, &LIMITS)
        .await
        .unwrap();
    assert_eq!(found.records.len(), 2);
}

#[tokio::test]
async fn external_mongo_asks_about_no_other_member_of_a_direct_connection() {
    let database = with_rows(2).await;
    let (_first, first) = member(primary(&["first.example", "second.example"]), server(&database)).await;
    let guard = TestGuard::leading_to(first);
    let connection = "mongodb://first.example/?directConnection=true";
    let found = fetch_from(connection, &database, &json!([]), &guard, &LIMITS).await.unwrap();
    assert_eq!(found.records.len(), 2);
    assert!(guard.asked().iter().all(|host| host == "first.example:27017"));
}

#[tokio::test]
async fn external_mongo_reads_from_no_member_of_another_replica_set() {
    let database = with_rows(2).await;
    let (_first, first) = member(primary(&["first.example"]), server(&database)).await;
    let guard = TestGuard::leading_to(first);
    let found = fetch_from(
        "mongodb://first.example/?replicaSet=other",
        &database,
        &json!([]),
        &guard,
        &LIMITS,
    )
    .await;
    assert!(matches!(found, Err(FetchError::Refused(_))), "{found:?}");
}

/// A server that answers every `hello`, also of the driver, and holds everything else, which `was_used` notes.
async fn hostile_server(hello: Document, was_used: Arc<AtomicBool>) -> (JoinSet<()>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer_hello(stream, hello.clone(), Arc::clone(&was_used)));
        }
    });
    (serving, address)
}

async fn answer_hello(mut stream: TcpStream, hello: Document, was_used: Arc<AtomicBool>) -> Option<()> {
    loop {
        let mut message = vec![0; 16];
        stream.read_exact(&mut message).await.ok()?;
        let length = usize::try_from(i32::from_le_bytes(*message.first_chunk()?)).ok()?;
        message.resize(length, 0);
        stream.read_exact(&mut message[16..]).await.ok()?;
        let question = RawDocument::from_bytes(message.get(21..)?).ok()?;
        let names = ["hello", "isMaster", "ismaster"];
        if names.iter().any(|name| matches!(question.get(name), Ok(Some(_)))) {
            stream.write_all(&reply(&hello)).await.ok()?;
        } else {
            was_used.store(true, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn external_mongo_opens_no_socket_of_this_machine_that_a_server_names() {
    let database = with_rows(1).await;
    let path = std::env::temp_dir().join(format!("{}.sock", database.name));
    let socket = UnixListener::bind(&path).unwrap();
    let mut hello = primary(&[&path.to_string_lossy(), "10.0.0.9:27017"]);
    hello.extend(doc! {
        "maxWireVersion": 21, "minWireVersion": 0, "logicalSessionTimeoutMinutes": 30,
        "maxBsonObjectSize": 16_777_216, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
    });
    let was_used = Arc::new(AtomicBool::new(false));
    let (_hostile, hostile) = hostile_server(hello, Arc::clone(&was_used)).await;
    let guard = TestGuard::new(move |host, _| {
        if host == "first.example" {
            Ok(vec![hostile])
        } else {
            Err(blocked())
        }
    });
    let deadline = Duration::from_secs(1);
    let limits = FetchLimits { deadline, ..LIMITS };
    let connection = "mongodb://first.example/?replicaSet=rs";
    let found = fetch_from(connection, &database, &json!([]), &guard, &limits).await;
    assert_eq!(found, Err(FetchError::TimedOut(deadline)));
    assert!(was_used.load(Ordering::Relaxed), "the driver takes the relay for its server");
    assert!(socket.accept().now_or_never().is_none());
    std::fs::remove_file(&path).unwrap();
    let asked = guard.asked();
    let others: Vec<_> = asked.iter().filter(|host| *host != "first.example:27017").collect();
    assert_eq!(others, ["10.0.0.9:27017"], "the driver follows no name");
}

#[tokio::test]
async fn external_mongo_does_not_wait_for_a_server_that_is_silent() {
    let database = with_rows(2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let limits = FetchLimits {
        deadline: Duration::from_millis(100),
        ..LIMITS
    };
    let found = fetch(&database, &json!([]), &TestGuard::leading_to(silent), &limits).await;
    assert!(matches!(found, Err(FetchError::Unavailable(_))), "{found:?}");
}

#[tokio::test]
async fn external_mongo_reads_no_more_of_a_false_server_than_its_form_allows() {
    let database = with_rows(2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let found = fetch(&database, &json!([]), &TestGuard::leading_to(address), &LIMITS).await;
    assert!(matches!(found, Err(FetchError::Unavailable(_))), "{found:?}");
}
