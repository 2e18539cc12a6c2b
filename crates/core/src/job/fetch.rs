//! What fetches of all kinds of data sources share: limits, results and errors.

use std::io;
use std::time::Duration;

use serde_json::Value;

mod bson_style;

pub use bson_style::BsonStyle;

/// What a fetch does when a source has more data than the limits allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCap {
    /// It fails: a job that sent a part of its data would look complete.
    Refuse,
    /// It returns the first records, which is enough for a test of a source.
    Truncate,
}

/// The limits of one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The most records.
    pub rows: usize,
    /// The most bytes of all records together, as JSON.
    pub bytes: usize,
    /// The time limit of the whole fetch.
    pub deadline: Duration,
    /// What happens beyond `rows` or `bytes`.
    pub at_cap: AtCap,
}

impl FetchLimits {
    /// How many records a source is asked for: one more than allowed tells whether there are more.
    pub fn requested_rows(&self) -> i64 {
        i64::try_from(self.rows).unwrap_or(i64::MAX).saturating_add(1)
    }

    fn exceeded(&self) -> FetchError {
        FetchError::TooLarge {
            rows: self.rows,
            bytes: self.bytes,
        }
    }
}

/// The data that a fetch returns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fetched {
    /// The records, in the order of the source.
    pub records: Vec<Value>,
    /// Whether the source has more records than these.
    pub is_truncated: bool,
}

/// Why a fetch failed, in a sentence that a tenant may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The request is not allowed, or the source rejects it: the same request fails again.
    #[error("{0}")]
    Refused(String),
    /// The source cannot be reached, or fails for now: a retry may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The time limit passed.
    #[error("The data source did not finish within {} s.", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The caller cancelled the fetch.
    #[error("The fetch was cancelled.")]
    Cancelled,
    /// The source has more data than the limits allow.
    #[error("The data source has more than {rows} records or {bytes} bytes: narrow the query, for example to a shorter period.")]
    TooLarge {
        /// The most records.
        rows: usize,
        /// The most bytes.
        bytes: usize,
    },
}

impl FetchError {
    /// Whether a retry of the same request may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::TimedOut(_) => true,
            Self::Refused(_) | Self::Cancelled | Self::TooLarge { .. } => false,
        }
    }
}

/// Whether a collector accepts further records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collecting {
    /// It does.
    Continues,
    /// The limits are reached, and the first records are enough.
    Ends,
}

/// Collects records within limits.
#[derive(Debug)]
pub struct RecordCollector {
    limits: FetchLimits,
    bytes: usize,
    fetched: Fetched,
}

impl RecordCollector {
    /// A collector without records.
    pub fn new(limits: FetchLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            fetched: Fetched::default(),
        }
    }

    /// Adds a record. A record beyond the limits is left out or refused, as the limits say.
    pub fn push(&mut self, record: Value) -> Result<Collecting, FetchError> {
        let bytes = self.bytes.saturating_add(json_bytes(&record));
        if self.fetched.records.len() >= self.limits.rows || bytes > self.limits.bytes {
            return self.reach_cap();
        }
        self.bytes = bytes;
        self.fetched.records.push(record);
        Ok(Collecting::Continues)
    }

    fn reach_cap(&mut self) -> Result<Collecting, FetchError> {
        match self.limits.at_cap {
            AtCap::Refuse => Err(self.limits.exceeded()),
            AtCap::Truncate => {
                self.fetched.is_truncated = true;
                Ok(Collecting::Ends)
            }
        }
    }

    /// The collected records.
    pub fn finish(self) -> Fetched {
        self.fetched
    }
}

/// Counts the bytes of a value's JSON without storing them.
fn json_bytes(value: &Value) -> usize {
    let mut counter = ByteCounter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => usize::MAX,
    }
}

struct ByteCounter(usize);

impl io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(rows: usize, bytes: usize, at_cap: AtCap) -> FetchLimits {
        FetchLimits {
            rows,
            bytes,
            deadline: Duration::from_secs(30),
            at_cap,
        }
    }

    #[test]
    fn collector_accepts_exactly_its_limits() {
        let mut collector = RecordCollector::new(limits(2, 14, AtCap::Refuse));
        for _ in 0..2 {
            assert_eq!(collector.push(json!({"a": 1})), Ok(Collecting::Continues));
        }
        let fetched = collector.finish();
        assert_eq!((fetched.records.len(), fetched.is_truncated), (2, false));
    }

    #[test]
    fn collector_refuses_or_truncates_beyond_its_limits() {
        for (rows, bytes) in [(2, 1_000), (1_000, 20)] {
            let mut collector = RecordCollector::new(limits(rows, bytes, AtCap::Refuse));
            let outcome = (0..3).try_for_each(|_| collector.push(json!({"a": 1})).map(drop));
            assert_eq!(outcome, Err(FetchError::TooLarge { rows, bytes }));

            let mut collector = RecordCollector::new(limits(rows, bytes, AtCap::Truncate));
            let last = (0..3).map(|_| collector.push(json!({"a": 1})).unwrap()).last();
            assert_eq!(last, Some(Collecting::Ends));
            let fetched = collector.finish();
            assert_eq!((fetched.records.len(), fetched.is_truncated), (2, true));
        }
    }

    #[test]
    fn source_is_asked_for_one_record_more_than_allowed() {
        assert_eq!(limits(10, 1, AtCap::Refuse).requested_rows(), 11);
        assert_eq!(limits(usize::MAX, 1, AtCap::Refuse).requested_rows(), i64::MAX);
    }
}
