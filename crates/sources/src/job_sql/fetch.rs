//! Runs a query within its limits.

use std::future::Future;
use std::time::Duration;

use futures::TryStreamExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::checked_query::BoundQuery;
use super::connection::{self, SqlConnection};
use super::record::RecordReader;
use super::sql_error::{ErrorContext, SqlError};

/// What to do with a result beyond its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The query fails: a job must not deliver a part for the whole.
    Refuse,
    /// The records within the limits are returned, for a look at the data.
    Truncate,
}

/// The limits of one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The most records.
    pub rows: usize,
    /// The most bytes of all records, counting names and values.
    pub bytes: usize,
    /// The time for connecting, computing and reading together.
    pub deadline: Duration,
    /// What to do with a result beyond `rows` or `bytes`.
    pub excess: Excess,
}

/// Whether a result is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All records are there.
    Complete,
    /// There are more records than the limits allow.
    Truncated,
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The records; columns keep their order.
    pub records: Vec<Map<String, Value>>,
    /// The size of the records, counted as the limit is.
    pub bytes: usize,
    /// Whether they are all.
    pub completeness: Completeness,
}

/// What reading left behind on the connection.
enum Reading {
    /// The server has nothing more to send.
    Ended(Fetched),
    /// The server may still compute or send.
    CutShort(Fetched),
}

/// The clock of one query.
struct Clock<'a> {
    started: Instant,
    deadline: Duration,
    cancel: &'a CancellationToken,
}

impl Clock<'_> {
    fn remaining(&self) -> Duration {
        self.deadline.saturating_sub(self.started.elapsed())
    }

    /// Runs a step until the deadline or the cancellation.
    async fn bound<T>(&self, step: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(SqlError::Cancelled),
            ended = timeout(self.remaining(), step) => ended.unwrap_or(Err(SqlError::TimedOut { after: self.deadline })),
        }
    }
}

impl SqlConnection {
    /// Runs a query on a connection of its own and returns its records. At the deadline, on `cancel` and beyond the limits, the query is
    /// ended on the server too; to be sure of that, cancel by the token and wait, rather than dropping the future.
    pub async fn fetch(&self, query: &BoundQuery, limits: &FetchLimits, cancel: &CancellationToken) -> Result<Fetched, SqlError> {
        let clock = Clock {
            started: Instant::now(),
            deadline: limits.deadline,
            cancel,
        };
        let context = ErrorContext {
            deadline: limits.deadline,
            bytes: limits.bytes,
        };
        // A row cannot be larger than all rows together; the query itself must fit, too.
        let max_packet = limits.bytes.saturating_add(query.packet_bytes());
        let opening = async { self.open(max_packet).await.map_err(|error| context.classify(&error)) };
        let mut conn = clock.bound(opening).await?;
        let reading = clock.bound(self.read(&mut conn, query, limits, clock.remaining())).await;
        match reading {
            Ok(Reading::Ended(fetched)) => {
                connection::close(conn).await;
                Ok(fetched)
            }
            Ok(Reading::CutShort(fetched)) => {
                self.kill(conn).await;
                Ok(fetched)
            }
            Err(error) => {
                self.leave(conn, &error).await;
                Err(error)
            }
        }
    }

    /// Leaves a connection after an error; the query may still run unless the server itself ended it.
    async fn leave(&self, conn: Conn, error: &SqlError) {
        match error {
            SqlError::Refused { .. } => connection::close(conn).await,
            SqlError::Unavailable(_)
            | SqlError::TimedOut { .. }
            | SqlError::Cancelled
            | SqlError::TooManyRows { .. }
            | SqlError::TooManyBytes { .. }
            | SqlError::DuplicateColumn { .. } => self.kill(conn).await,
        }
    }

    async fn read(&self, conn: &mut Conn, query: &BoundQuery, limits: &FetchLimits, time: Duration) -> Result<Reading, SqlError> {
        let context = ErrorContext {
            deadline: limits.deadline,
            bytes: limits.bytes,
        };
        let classify = |error| context.classify(&error);
        self.begin(conn, time).await.map_err(classify)?;
        let statement = conn.prep(query.text()).await.map_err(classify)?;
        let parameters = Params::Positional(query.values(limits.rows));
        let mut rows = conn
            .exec_stream::<Row, _, _>(&statement, parameters)
            .await
            .map_err(classify)?;
        let reader = RecordReader::new(rows.columns_ref(), self.wire_zone(), self.output_zone())?;
        let mut collector = Collector::new(limits);
        loop {
            let taken = match rows.try_next().await.map_err(classify) {
                Ok(None) => return Ok(Reading::Ended(collector.fetched)),
                Ok(Some(row)) => collector.takes(&reader, row)?,
                Err(error) => return collector.ended_by(error),
            };
            if !taken {
                return Ok(Reading::CutShort(collector.fetched));
            }
        }
    }
}

/// Collects records up to the limits.
struct Collector<'a> {
    limits: &'a FetchLimits,
    fetched: Fetched,
}

impl<'a> Collector<'a> {
    fn new(limits: &'a FetchLimits) -> Self {
        let fetched = Fetched {
            records: Vec::new(),
            bytes: 0,
            completeness: Completeness::Complete,
        };
        Self { limits, fetched }
    }

    /// Takes a row; false once the result is truncated.
    fn takes(&mut self, reader: &RecordReader, row: Row) -> Result<bool, SqlError> {
        let FetchLimits { rows, bytes, .. } = *self.limits;
        if self.fetched.records.len() >= rows {
            return self.exceeded(SqlError::TooManyRows { cap: rows });
        }
        let record = reader.record(row);
        let total = self.fetched.bytes.saturating_add(record.bytes);
        if total > bytes {
            return self.exceeded(SqlError::TooManyBytes { cap: bytes });
        }
        self.fetched.bytes = total;
        self.fetched.records.push(record.fields);
        Ok(true)
    }

    fn exceeded(&mut self, error: SqlError) -> Result<bool, SqlError> {
        match self.limits.excess {
            Excess::Refuse => Err(error),
            Excess::Truncate => {
                self.fetched.completeness = Completeness::Truncated;
                Ok(false)
            }
        }
    }

    /// A row larger than all rows may be ends the reading as one row too many does.
    fn ended_by(mut self, error: SqlError) -> Result<Reading, SqlError> {
        match error {
            SqlError::TooManyBytes { .. } => {
                self.exceeded(error)?;
                Ok(Reading::CutShort(self.fetched))
            }
            other => Err(other),
        }
    }
}
