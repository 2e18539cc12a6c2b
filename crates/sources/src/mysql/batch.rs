//! Collects rows as they arrive.

use ig_core::event::SourceRow;
use ig_core::ports::SourceError;
use ig_core::schedule::Zone;
use mysql_async::Row;

use super::row::{self, InvalidPosition};

/// The memory limit of one answer, so that rows that suddenly grow large do not exhaust it.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The rows of one answer.
#[derive(Debug)]
pub(super) struct Batch {
    rows: Vec<SourceRow>,
    bytes: usize,
    max_bytes: usize,
    zone: Zone,
    has_local_time: bool,
    invalid_position: Option<InvalidPosition>,
}

impl Batch {
    /// Ends early where payloads are large; the next read returns the rest.
    pub(super) fn bounded(limit: usize, zone: Zone) -> Self {
        Self {
            rows: Vec::with_capacity(limit),
            bytes: 0,
            max_bytes: MAX_BYTES,
            zone,
            has_local_time: false,
            invalid_position: None,
        }
    }

    /// Holds every row: a missing one would be taken for a gap.
    pub(super) fn complete(zone: Zone) -> Self {
        Self {
            max_bytes: usize::MAX,
            ..Self::bounded(0, zone)
        }
    }

    pub(super) fn push(&mut self, row: Row) {
        if self.bytes >= self.max_bytes || self.invalid_position.is_some() {
            return;
        }
        self.has_local_time |= row::has_local_time(&row);
        match row::read(row, self.zone) {
            Ok(row) => self.keep(row),
            Err(error) => self.invalid_position = Some(error),
        }
    }

    fn keep(&mut self, row: SourceRow) {
        self.bytes += row.payload_bytes();
        self.rows.push(row);
    }

    /// Whether a row had a local time.
    pub(super) fn has_local_time(&self) -> bool {
        self.has_local_time
    }

    /// An error where a row had no valid position.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        self.invalid_position.as_ref().map_or(Ok(()), |error| Err(error.into()))
    }

    pub(super) fn into_rows(self) -> Vec<SourceRow> {
        self.rows
    }
}
