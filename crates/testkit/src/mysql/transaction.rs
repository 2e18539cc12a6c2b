//! Transactions that commit when a test says so, such as after later rows were seen.

use mysql_async::{Transaction, TxOpts};

use super::insert::insert_one;
use super::{QueueRow, TestQueue};

/// A transaction that is open: its rows have ids and nobody sees them. Dropped, it is rolled back.
#[derive(Debug)]
pub struct OpenTransaction(Transaction<'static>);

impl TestQueue {
    /// Opens a transaction.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn begin(&self) -> OpenTransaction {
        OpenTransaction(self.pool.start_transaction(TxOpts::default()).await.expect("a transaction"))
    }
}

impl OpenTransaction {
    /// Writes a row that nobody sees yet; says its id.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn insert(&mut self, row: QueueRow) -> u64 {
        insert_one(&mut self.0, &row).await
    }

    /// Makes its rows visible.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn commit(self) {
        self.0.commit().await.expect("the transaction commits");
    }

    /// Forgets its rows; their ids are never used again.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn roll_back(self) {
        self.0.rollback().await.expect("the transaction rolls back");
    }
}
