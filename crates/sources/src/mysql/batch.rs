//! Rows as they arrive.

use ig_core::event::SourceRow;
use ig_core::ports::SourceError;
use ig_core::schedule::Zone;
use mysql_async::Row;

use super::row::{self, NoPosition};

/// What one answer may take of memory, so that rows that suddenly grow large do not exhaust it.
pub(super) const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The rows of one answer.
#[derive(Debug)]
pub(super) struct Batch {
    rows: Vec<SourceRow>,
    bytes: usize,
    most_bytes: usize,
    zone: Zone,
    tells_local_time: bool,
    fault: Option<NoPosition>,
}

impl Batch {
    /// Ends early where payloads are large; what is left out is read next time.
    pub(super) fn bounded(limit: usize, zone: Zone) -> Self {
        Self {
            rows: Vec::with_capacity(limit),
            bytes: 0,
            most_bytes: MOST_BYTES,
            zone,
            tells_local_time: false,
            fault: None,
        }
    }

    /// Holds every row, since one that is left out would be taken for one that is not there.
    pub(super) fn complete(zone: Zone) -> Self {
        Self {
            most_bytes: usize::MAX,
            ..Self::bounded(0, zone)
        }
    }

    pub(super) fn push(&mut self, row: Row) {
        if self.bytes >= self.most_bytes || self.fault.is_some() {
            return;
        }
        self.tells_local_time |= row::tells_local_time(&row);
        match row::read(row, self.zone) {
            Ok(row) => self.keep(row),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn keep(&mut self, row: SourceRow) {
        self.bytes += row.payload_bytes();
        self.rows.push(row);
    }

    /// Whether a row told a local time.
    pub(super) fn tells_local_time(&self) -> bool {
        self.tells_local_time
    }

    /// Whether every row had a position.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        self.fault.as_ref().map_or(Ok(()), |fault| Err(fault.into()))
    }

    pub(super) fn into_rows(self) -> Vec<SourceRow> {
        self.rows
    }
}
