//! The tables of a hospital's own software: a queue of events, and the hierarchy of its entities.

use anyhow::Context as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Opts, Pool};
use serde_json::Value;

use super::{EVENT_TYPE, ORG, UNIT};

const QUEUE: &str = "CREATE TABLE IF NOT EXISTS notification_queue (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_type VARCHAR(255),
    payload LONGTEXT,
    entity_rid BIGINT,
    entity_parent_rid BIGINT,
    created_at DATETIME(3) NOT NULL DEFAULT (UTC_TIMESTAMP(3))
)";
const ENTITIES: &str = "CREATE TABLE IF NOT EXISTS u_entity (rid BIGINT NOT NULL PRIMARY KEY, parent_rid BIGINT)";
const INSERT: &str = "INSERT INTO notification_queue (event_type, payload, entity_rid, entity_parent_rid) VALUES (?, ?, ?, ?)";

/// The queue table.
#[derive(Debug)]
pub(super) struct QueueTable(Pool);

impl QueueTable {
    /// Creates missing tables.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        let pool = Pool::new(Opts::from_url(url).context("--mysql-url")?);
        let mut connection = pool.get_conn().await?;
        connection.query_drop(QUEUE).await?;
        connection.query_drop(ENTITIES).await?;
        connection
            .exec_drop("REPLACE INTO u_entity (rid, parent_rid) VALUES (?, ?)", (UNIT, ORG))
            .await?;
        Ok(Self(pool))
    }

    /// Inserts a row, as the hospital's software would.
    pub(super) async fn insert(&self, payload: &Value) -> anyhow::Result<()> {
        let mut connection = self.0.get_conn().await?;
        connection
            .exec_drop(INSERT, (EVENT_TYPE, payload.to_string(), UNIT, ORG))
            .await?;
        Ok(())
    }

    /// Closes the connections.
    pub(super) async fn close(self) {
        let _ = self.0.disconnect().await;
    }
}
