//! Queries that are stopped end on the server, too.

use std::collections::BTreeSet;
use std::time::Duration;

use ig_sources::{FetchLimits, SqlError};
use ig_testkit::eventually;
use ig_testkit::mysql::{self, TestQueue};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio_util::sync::CancellationToken;

use super::{WIDE, connection, fetch_within, query};

/// Runs for longer than any test waits.
const ENDLESS: &str = "SELECT SUM(a.code * b.code * c.code * d.code) FROM countries a, countries b, countries c, countries d";

/// Statements of other connections to the test's database.
const RUNNING: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE \
                       'SELECT SUM(%'";
const CONNECTIONS: &str = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE()";

/// Looks at the connections to a test's database.
pub(super) struct Observer {
    conn: Conn,
    known: BTreeSet<u64>,
}

impl Observer {
    /// An observer that knows the test's own connections.
    pub(super) async fn of(queue: &TestQueue) -> Self {
        let mut conn = queue.conn().await;
        let known = conn.query::<u64, _>(CONNECTIONS).await.unwrap().into_iter().collect();
        Self { conn, known }
    }

    async fn wait_until_running(&mut self) {
        let conn = &mut self.conn;
        eventually("the query runs", async || {
            conn.query_first::<u64, _>(RUNNING).await.unwrap() == Some(1)
        })
        .await;
    }

    /// Waits until no connection is left but those that the test had before.
    pub(super) async fn wait_until_idle(&mut self) {
        let Self { conn, known } = self;
        eventually("the connections of queries are gone", async || {
            let present: Vec<u64> = conn.query(CONNECTIONS).await.unwrap();
            present.iter().all(|id| known.contains(id))
        })
        .await;
    }
}

async fn database() -> TestQueue {
    let queue = mysql::database().await;
    queue.execute("CREATE TABLE countries (code INT)").await;
    queue.execute("INSERT INTO countries SELECT seq FROM seq_1_to_3000").await;
    queue
}

#[tokio::test]
async fn query_at_its_deadline_is_gone_from_the_server() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let deadline = Duration::from_millis(300);
    let outcome = fetch_within(&queue, ENDLESS, &FetchLimits { deadline, ..WIDE }).await;
    assert_eq!(outcome.unwrap_err(), SqlError::TimedOut { after: deadline });
    observer.wait_until_idle().await;
}

#[tokio::test]
async fn cancelled_query_is_gone_from_the_server() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let (connection, query, cancel) = (connection(&queue), query(ENDLESS, &queue.name), CancellationToken::new());
    let cancelling = async {
        observer.wait_until_running().await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(connection.fetch(&query, &WIDE, &cancel), cancelling);
    assert_eq!(outcome.unwrap_err(), SqlError::Cancelled);
    observer.wait_until_idle().await;
}

#[tokio::test]
async fn query_that_is_cancelled_beforehand_does_not_run() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = connection(&queue).fetch(&query(ENDLESS, &queue.name), &WIDE, &cancel).await;
    assert_eq!(outcome.unwrap_err(), SqlError::Cancelled);
    observer.wait_until_idle().await;
}

#[tokio::test]
async fn query_whose_connection_is_lost_may_be_tried_again() {
    let queue = database().await;
    let mut observer = Observer::of(&queue).await;
    let (connection, query, cancel) = (connection(&queue), query(ENDLESS, &queue.name), CancellationToken::new());
    let closing = async {
        observer.wait_until_running().await;
        queue.close_other_connections().await;
    };
    let (outcome, ()) = tokio::join!(connection.fetch(&query, &WIDE, &cancel), closing);
    let error = outcome.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}
