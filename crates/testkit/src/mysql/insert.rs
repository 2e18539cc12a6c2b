//! Rows on their way into the queue.

use mysql_async::prelude::Queryable;
use mysql_async::{Error, TxOpts, Value};

use super::{QueueRow, TestQueue};

const INTO: &str = "INSERT INTO notification_queue (id, event_type, payload, entity_rid, entity_parent_rid, traceparent) VALUES ";
const ONE_ROW: &str = "(?, ?, ?, ?, ?, ?)";
const ROWS_A_STATEMENT: usize = 500;

impl TestQueue {
    /// Commits one row; says its id.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn insert(&self, row: QueueRow) -> u64 {
        insert_one(&mut self.conn().await, &row).await
    }

    /// Commits rows in their order, all at once; 500 go into one statement.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn insert_many(&self, rows: impl IntoIterator<Item = QueueRow>) {
        self.try_insert_many(rows).await.expect("rows");
    }

    /// Like [`Self::insert_many`], for a server that may go away; after an error it is not known whether the rows are there.
    pub async fn try_insert_many(&self, rows: impl IntoIterator<Item = QueueRow>) -> Result<(), Error> {
        let rows: Vec<_> = rows.into_iter().collect();
        let mut transaction = self.pool.start_transaction(TxOpts::default()).await?;
        for chunk in rows.chunks(ROWS_A_STATEMENT) {
            let values: Vec<Value> = chunk.iter().flat_map(QueueRow::values).collect();
            transaction.exec_drop(statement(chunk.len()), values).await?;
        }
        transaction.commit().await
    }
}

fn statement(rows: usize) -> String {
    format!("{INTO}{}", vec![ONE_ROW; rows].join(", "))
}

pub(super) async fn insert_one(to: &mut impl Queryable, row: &QueueRow) -> u64 {
    to.exec_drop(statement(1), Vec::from(row.values())).await.expect("a row");
    let id: Option<u64> = to.query_first("SELECT LAST_INSERT_ID()").await.expect("an id");
    row.own_id().or(id).expect("the row has an id")
}
