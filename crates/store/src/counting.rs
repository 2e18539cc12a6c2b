//! Counting in the database: over the range of an index that is named, and within a time.

use std::time::Duration;

use ig_core::ports::StoreError;
use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};
use mongodb::options::Hint;
use serde::de::DeserializeOwned;

use crate::database::Database;
use crate::error::store_error;

/// The server's code for an operation that its own deadline ended.
const OUT_OF_TIME: i32 = 50;

/// Why something was not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// There is more of it than can be counted in the time.
    #[error("it cannot be counted within {} s", .0.as_secs())]
    TooMuch(Duration),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is counted, and how.
pub(crate) struct Count {
    /// Of this collection.
    pub collection: &'static str,
    /// Over this index: a planner that has several to choose from takes the wrong one now and then.
    pub index: Document,
    /// By these stages.
    pub pipeline: Vec<Document>,
    /// The time that it may take: the server ends it then, so that nothing goes on that nobody waits for.
    pub patience: Duration,
}

impl Count {
    /// The time that figures which somebody waits for may take.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

impl Database {
    /// The rows that a count ends in; its last stages bound how many.
    pub(crate) async fn counted<T>(&self, count: Count) -> Result<Vec<T>, CountError>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let Count {
            collection,
            index,
            pipeline,
            patience,
        } = count;
        let target = self.collection::<Document>(collection);
        let aggregate = target.aggregate(pipeline).hint(Hint::Keys(index)).max_time(patience);
        let rows = async { futures::TryStreamExt::try_collect(aggregate.with_type::<T>().await?).await };
        let rows = self.raw(rows).await?;
        rows.map_err(|error| {
            if ended_by_deadline(&error) {
                CountError::TooMuch(patience)
            } else {
                store_error(&error).into()
            }
        })
    }
}

fn ended_by_deadline(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == OUT_OF_TIME)
}
