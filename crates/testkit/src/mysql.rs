//! A test's own queue: a fresh MySQL database with `notification_queue` and `u_entity`.

use std::time::Duration;

use mysql_async::prelude::{Query, Queryable};
use mysql_async::{Conn, Opts, Pool};

use crate::servers::required;

mod insert;
mod row;
mod transaction;

pub use row::QueueRow;
pub use transaction::OpenTransaction;

/// The variable with the server's address: `mysql://user@host:port`.
pub const URL_VARIABLE: &str = "IG_TEST_MYSQL_URL";

const TABLES: [&str; 2] = [
    "CREATE TABLE notification_queue (
        id BIGINT AUTO_INCREMENT PRIMARY KEY, event_type VARCHAR(255) NULL, payload LONGTEXT NULL, entity_rid BIGINT NULL,
        entity_parent_rid BIGINT NULL, created_at TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3), traceparent VARCHAR(64) NULL
    ) CHARACTER SET utf8mb4",
    "CREATE TABLE u_entity (rid BIGINT PRIMARY KEY, parent_rid BIGINT NULL)",
];

/// A fresh database with a queue table, which is dropped with this value.
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
/// If the variable is missing (the message says how to run the tests) or the server fails.
pub async fn database() -> TestQueue {
    database_on(&required(URL_VARIABLE)).await
}

/// A fresh queue on a server.
///
/// # Panics
/// If the server fails.
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
    /// If the server is unavailable.
    pub async fn conn(&self) -> Conn {
        self.pool.get_conn().await.expect("the MySQL server answers")
    }

    /// Runs one statement.
    ///
    /// # Panics
    /// If the statement fails.
    pub async fn execute(&self, sql: &str) {
        sql.ignore(&self.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The number of bytes that the server has sent to all clients.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn bytes_sent(&self) -> u64 {
        let status: Option<(String, u64)> = self
            .conn()
            .await
            .query_first("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")
            .await
            .expect("a status");
        status.expect("the server counts what it sends").1
    }

    /// Closes every other connection to this database, like a restart.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn close_other_connections(&self) {
        const OTHERS: &str = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()";
        let mut conn = self.conn().await;
        let others: Vec<u64> = conn.query(OTHERS).await.expect("the connections");
        for id in others {
            // The connection may have closed by itself.
            drop(conn.query_drop(format!("KILL {id}")).await);
        }
    }

    /// Stores an entity and its parent in `u_entity`.
    ///
    /// # Panics
    /// If the server fails.
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
        // The test's runtime may be shutting down, so a separate thread drops the database.
        drop(std::thread::spawn(move || drop_database(&url, &name)).join());
    }
}

fn drop_database(url: &str, name: &str) {
    const DROP_TIMEOUT: Duration = Duration::from_secs(5);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    // A killed server cannot drop the database; its data directory is deleted with the server.
    let dropped = runtime.block_on(async { tokio::time::timeout(DROP_TIMEOUT, try_drop_database(url, name)).await });
    drop(dropped);
}

async fn try_drop_database(url: &str, name: &str) -> Result<(), mysql_async::Error> {
    let mut conn = Conn::new(opts(url)).await?;
    // Do not wait for a transaction that the test left open.
    conn.query_drop("SET SESSION lock_wait_timeout = 1").await?;
    conn.query_drop(format!("DROP DATABASE {name}")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_name_is_set_in_addresses_with_and_without_options() {
        assert_eq!(with_database("mysql://root@h:1", "d"), "mysql://root@h:1/d");
        assert_eq!(with_database("mysql://root@h:1/old?x=1", "d"), "mysql://root@h:1/d?x=1");
    }
}
