//! Counting in the database: over the range of an index, and within a time.

use std::time::Duration;

use futures::FutureExt as _;
use ig_core::ports::StoreError;
use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};
use mongodb::options::Hint;
use serde::de::DeserializeOwned;

use crate::database::{Database, collected};
use crate::error::store_error;
use crate::stored::Stored;

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

impl CountError {
    /// The same, told of somebody who waited so long for all of it.
    pub(crate) fn after(self, patience: Duration) -> Self {
        match self {
            Self::TooMuch(_) => Self::TooMuch(patience),
            Self::Store(error) => Self::Store(error),
        }
    }
}

/// What is counted, and how.
pub(crate) struct Count {
    /// Of this collection.
    pub collection: &'static str,
    /// Over this index: a planner that has several to choose from takes the wrong one now and then. Nothing where there is one alone: not
    /// every server keeps to the bounds of a range in an index that is named.
    pub index: Option<Document>,
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
        if patience.is_zero() {
            // A server takes 0 for any time that it wants.
            return Err(CountError::TooMuch(patience));
        }
        let target = self.collection::<Document>(collection);
        let aggregate = target.aggregate(pipeline).max_time(patience);
        let aggregate = match index {
            Some(index) => aggregate.hint(Hint::Keys(index)),
            None => aggregate,
        };
        let rows = collected(aggregate.with_type::<Stored<T>>().into_future().boxed());
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
