//! A queue of a test's own: a fresh MySQL database with `notification_queue` and `u_entity`.

use std::time::Duration;

use mysql_async::prelude::{Query, Queryable};
use mysql_async::{Conn, Opts, Pool};

use crate::servers::required;

mod insert;
mod row;
mod transaction;

pub use row::QueueRow;
pub use transaction::OpenTransaction;

/// Names the server: `mysql://user@host:port`.
pub const URL_VARIABLE: &str = "IG_TEST_MYSQL_URL";

const TABLES: [&str; 2] = [
    "CREATE TABLE notification_queue (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, event_type VARCHAR(255) NULL, payload LONGTEXT NULL, entity_rid BIGINT NULL,
        entity_parent_rid BIGINT NULL, created_at TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3), traceparent VARCHAR(64) NULL
    ) CHARACTER SET utf8mb4",
    "CREATE TABLE u_entity (rid BIGINT PRIMARY KEY, parent_rid BIGINT NULL)",
];

/// A fresh database with a queue table, dropped with this value.
#[derive(Debug)]
pub struct TestQueue {
    /// The database's address, for the source under test.
    pub url: String,
    /// The database's name.
    pub name: String,
    pool: Pool,
}

/// A fresh queue on the server of [`URL_VARIABLE`].
///
/// # Panics
/// When the variable is missing (the message says how to run) or the server refuses.
pub async fn database() -> TestQueue {
    database_on(&required(URL_VARIABLE)).await
}

/// A fresh queue on a server.
///
/// # Panics
/// When the server refuses.
pub async fn database_on(server: &str) -> TestQueue {
    let name = format!("ig_test_{:016x}", rand::random::<u64>());
    let mut conn = Conn::new(opts(server)).await.expect("the MySQL server answers");
    conn.query_drop(format!("CREATE DATABASE {name}"))
        .await
        .expect("may create databases");
    drop(conn.disconnect().await);
    let url = with_database(server, &name);
    let pool = Pool::new(opts(&url));
    let queue = TestQueue { url, name, pool };
    for table in TABLES {
        queue.execute(table).await;
    }
    queue
}

fn opts(url: &str) -> Opts {
    Opts::from_url(url).expect("a MySQL address")
}

fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').map_or((server, None), |(a, o)| (a, Some(o)));
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let host_end = address[scheme..].find('/').map_or(address.len(), |at| scheme + at);
    let options = options.map_or(String::new(), |options| format!("?{options}"));
    format!("{}/{name}{options}", &address[..host_end])
}

impl TestQueue {
    /// A connection to the database.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn conn(&self) -> Conn {
        self.pool.get_conn().await.expect("the MySQL server answers")
    }

    /// Runs one statement.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn execute(&self, sql: &str) {
        sql.ignore(&self.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// How many bytes the server has sent to all its clients.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn bytes_sent(&self) -> u64 {
        let status: Option<(String, u64)> = self
            .conn()
            .await
            .query_first("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")
            .await
            .expect("a status");
        status.expect("the server counts what it sends").1
    }

    /// Closes every other connection to this database, as a server does that restarts.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn close_other_connections(&self) {
        const OTHERS: &str = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
        let mut conn = self.conn().await;
        let others: Vec<u64> = conn.query(OTHERS).await.expect("the connections");
        for id in others {
            // One that has gone by itself meanwhile is as good.
            drop(conn.query_drop(format!("KILL {id}")).await);
        }
    }

    /// Notes in `u_entity` that an entity belongs to a parent.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn entity(&self, rid: i64, parent: Option<i64>) {
        let mut conn = self.conn().await;
        conn.exec_drop("REPLACE INTO u_entity (rid, parent_rid) VALUES (?, ?)", (rid, parent))
            .await
            .expect("an entity");
    }
}

impl Drop for TestQueue {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        // The test's own runtime may be the one that is ending, so the database goes from a thread beside it.
        drop(std::thread::spawn(move || drop_database(&url, &name)).join());
    }
}

fn drop_database(url: &str, name: &str) {
    const PATIENCE: Duration = Duration::from_secs(5);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    // A server that a test has killed keeps the database; its data directory goes with the server.
    let gone = runtime.block_on(async { tokio::time::timeout(PATIENCE, drop_now(url, name)).await });
    drop(gone);
}

async fn drop_now(url: &str, name: &str) -> Result<(), mysql_async::Error> {
    let mut conn = Conn::new(opts(url)).await?;
    // A transaction that a test left open would otherwise be waited for.
    conn.query_drop("SET SESSION lock_wait_timeout = 1").await?;
    conn.query_drop(format!("DROP DATABASE {name}")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_into_an_address_with_or_without_options() {
        assert_eq!(with_database("mysql://root@h:1", "d"), "mysql://root@h:1/d");
        assert_eq!(with_database("mysql://root@h:1/old?x=1", "d"), "mysql://root@h:1/d?x=1");
    }
}
