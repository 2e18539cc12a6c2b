//! Transactions that a test commits explicitly, for example after later rows were read.

use mysql_async::{Transaction, TxOpts};

use super::insert::insert_one;
use super::{QueueRow, TestQueue};

/// An open transaction: its rows have ids but are not visible. Dropping it rolls it back.
#[derive(Debug)]
pub struct OpenTransaction(Transaction<'static>);

impl TestQueue {
    /// Opens a transaction.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn begin(&self) -> OpenTransaction {
        OpenTransaction(self.pool.start_transaction(TxOpts::default()).await.expect("a transaction"))
    }
}

impl OpenTransaction {
    /// Inserts a row that is not visible yet; returns its id.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn insert(&mut self, row: QueueRow) -> u64 {
        insert_one(&mut self.0, &row).await
    }

    /// Commits the rows.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn commit(self) {
        self.0.commit().await.expect("the transaction commits");
    }

    /// Discards the rows; their ids are never used again.
    ///
    /// # Panics
    /// If the server fails.
    pub async fn roll_back(self) {
        self.0.rollback().await.expect("the transaction rolls back");
    }
}
