//! Inserts rows into the queue.

use mysql_async::prelude::Queryable;
use mysql_async::{Error, TxOpts, Value};

use super::{QueueRow, TestQueue};

const INSERT: &str =
    "INSERT INTO notification_queue (id, event_type, payload, entity_rid, entity_parent_rid, traceparent) VALUES ";
const ONE_ROW: &str = "(?, ?, ?, ?, ?, ?)";
const ROWS_PER_STATEMENT: usize = 500;

impl TestQueue {
    /// Inserts and commits one row; returns its id.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn insert(&self, row: QueueRow) -> u64 {
        insert_one(&mut self.conn().await, &row).await
    }

    /// Inserts rows in order and commits them together; one statement takes 500.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn insert_many(&self, rows: impl IntoIterator<Item = QueueRow>) {
        self.try_insert_many(rows).await.expect("rows");
    }

    /// Like [`Self::insert_many`], for a server that may fail; after an error it is unknown whether the rows are committed.
    pub async fn try_insert_many(&self, rows: impl IntoIterator<Item = QueueRow>) -> Result<(), Error> {
        let rows: Vec<_> = rows.into_iter().collect();
        let mut transaction = self.pool.start_transaction(TxOpts::default()).await?;
        for chunk in rows.chunks(ROWS_PER_STATEMENT) {
            let values: Vec<Value> = chunk.iter().flat_map(QueueRow::values).collect();
            transaction.exec_drop(statement(chunk.len()), values).await?;
        }
        transaction.commit().await
    }
}

fn statement(rows: usize) -> String {
    format!("{INSERT}{}", vec![ONE_ROW; rows].join(", "))
}

pub(super) async fn insert_one(to: &mut impl Queryable, row: &QueueRow) -> u64 {
    to.exec_drop(statement(1), Vec::from(row.values())).await.expect("a row");
    let id: Option<u64> = to.query_first("SELECT LAST_INSERT_ID()").await.expect("an id");
    row.own_id().or(id).expect("the row has an id")
}
