//! Aggregation in the database: over an index range, and within a deadline.

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

/// The server's error code for an operation that exceeded its deadline.
const MAX_TIME_EXPIRED: i32 = 50;

/// Why an aggregation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// There is too much data to count within the deadline.
    #[error("it cannot be counted within {} s", .0.as_secs())]
    TooMuch(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CountError {
    /// The same error, with the deadline of the whole request.
    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        match self {
            Self::TooMuch(_) => Self::TooMuch(timeout),
            Self::Store(error) => Self::Store(error),
        }
    }
}

/// An aggregation to run.
pub(crate) struct Aggregation {
    /// Its collection.
    pub collection: &'static str,
    /// The index to use, because a planner with a choice picks the wrong one now and then. `None` where there is only
    /// one: not every server respects the bounds of a range in an index given as a hint.
    pub index: Option<Document>,
    /// Its pipeline.
    pub pipeline: Vec<Document>,
    /// Its deadline: the server stops it then, so that no query outlives its caller.
    pub timeout: Duration,
}

impl Aggregation {
    /// The deadline of figures that a person waits for.
    pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);
}

impl Database {
    /// Returns the rows of an aggregation; its last stages bound their number.
    pub(crate) async fn aggregate<T>(&self, aggregation: Aggregation) -> Result<Vec<T>, CountError>
    where
        T: DeserializeOwned + Send + Sync,
    {
        let Aggregation {
            collection,
            index,
            pipeline,
            timeout,
        } = aggregation;
        if timeout.is_zero() {
            // For a server, 0 means no limit.
            return Err(CountError::TooMuch(timeout));
        }
        let target = self.collection::<Document>(collection);
        let aggregate = target.aggregate(pipeline).max_time(timeout);
        let aggregate = match index {
            Some(index) => aggregate.hint(Hint::Keys(index)),
            None => aggregate,
        };
        let rows = collected(aggregate.with_type::<Stored<T>>().into_future().boxed());
        let rows = self.raw(rows).await?;
        rows.map_err(|error| {
            if ended_by_deadline(&error) {
                CountError::TooMuch(timeout)
            } else {
                store_error(&error).into()
            }
        })
    }
}

fn ended_by_deadline(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == MAX_TIME_EXPIRED)
}
