//! A server that goes away and comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use ig_core::ports::{EventSource as _, SourceError};
use ig_sources::MySqlConfig;
use ig_testkit::eventually;
use ig_testkit::mysql::{self, QueueRow};
use ig_testkit::servers::Mariadb;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use crate::{open, positions, settings};

fn assert_unavailable<T: std::fmt::Debug>(answer: &Result<T, SourceError>) {
    assert!(matches!(answer, Err(SourceError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn killed_server_is_read_again_once_it_is_back() {
    let mut server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    queue.insert(QueueRow::new(7, "order")).await;
    let source = open(&settings(&queue));
    assert_eq!(positions(&source.read_after(0, 10).await.unwrap()), [1]);

    server.kill();
    for _ in 0..3 {
        assert_unavailable(&source.read_after(0, 10).await);
    }
    server.restart().await;
    eventually("the source is read again", async || {
        source.read_after(0, 10).await.is_ok_and(|rows| positions(&rows) == [1])
    })
    .await;
}

#[tokio::test]
async fn hanging_server_times_out_and_is_read_again_once_it_responds() {
    let server = Mariadb::start().await;
    let queue = mysql::database_on(&server.url()).await;
    queue.insert(QueueRow::new(7, "order")).await;
    let config = MySqlConfig {
        statement_timeout_ms: 300,
        connect_timeout_ms: 300,
        ..settings(&queue)
    };
    let source = open(&config);
    source.head().await.unwrap();

    server.freeze();
    let given_up = tokio::time::timeout(Duration::from_secs(30), source.head()).await;
    assert_unavailable(&given_up.expect("it does not wait for ever"));
    assert_unavailable(&source.head().await);
    server.thaw();
    eventually("the source is read again", async || source.head().await == Ok(1)).await;
}

async fn connections(observer: &mut Conn) -> BTreeSet<u64> {
    let ids: Vec<u64> = observer
        .query("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE()")
        .await
        .unwrap();
    ids.into_iter().collect()
}

#[tokio::test]
async fn connections_are_reused() {
    let queue = mysql::database().await;
    let config = settings(&queue);
    let source = open(&config);
    let mut observer = queue.conn().await;
    let others = connections(&mut observer).await;
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    for _ in 0..20 {
        source.head().await.unwrap();
        seen.extend(connections(&mut observer).await.difference(&others));
    }
    assert!((1..=config.pool_max).contains(&seen.len()), "{seen:?}");
}

#[tokio::test]
async fn connection_closed_by_the_server_is_replaced() {
    let queue = mysql::database().await;
    let source = open(&settings(&queue));
    source.head().await.unwrap();
    queue.close_other_connections().await;
    eventually("the source is read again", async || source.head().await == Ok(0)).await;
}

#[tokio::test]
async fn closed_port_is_an_unavailable_source() {
    let config = MySqlConfig {
        url: Some(ig_core::secret::Secret::new(format!(
            "mysql://u:hidden@127.0.0.1:{}/d",
            ig_testkit::free_port()
        ))),
        ..MySqlConfig::default()
    };
    let answer = open(&config).head().await;
    assert!(!format!("{answer:?}").contains("hidden"));
    assert_unavailable(&answer);
}
