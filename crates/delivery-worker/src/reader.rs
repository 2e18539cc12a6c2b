//! Reads one source, row after row, and ingests the rows of this worker's partitions.
//!
//! Each source has one task that moves all its cursors one step after the other, so that no row can slip between two readers. Each held
//! partition has its own cursor. A step reads from the lowest, and from the highest as well, so that a partition that was just taken over
//! catches up without delaying the others. A stream with a deep backlog is deferred: it gets a cursor of its own. The rest skips it in skip
//! scans, and each step reads on for one such stream as well.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ig_core::event::SourceRow;
use ig_core::id::Position;
use ig_core::poll::{BatchSize, PollBackoff};
use ig_core::ports::{SkipScanBatch, SourceError};
use ig_core::read_cursors::ReadRange;
use ig_core::stream::{RowKind, Stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::skip_scan::SkipScan;
use crate::tracker::BacklogRead;

mod gap_watcher;
mod ingester;
mod state;

pub(crate) use gap_watcher::GapWatcher;
pub(crate) use ingester::Ingester;
pub(crate) use state::SourceState;

use ingester::ReadError;

/// The pause after a failed read.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How often a backlog with plenty of events in flight is read on: often enough to outpace any delivery, seldom enough to leave the
/// processor to others.
const BACKLOG_INTERVAL: Duration = Duration::from_millis(50);

/// The cursor that a read starts from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Cursor {
    /// The partition that is furthest behind.
    Lowest,
    /// The partition that is furthest ahead.
    Highest,
    /// The streams deferred with this one, from its cursor.
    Backlog(Stream),
}

/// The task that reads one source.
pub(crate) struct Reader {
    state: Arc<SourceState>,
    ingester: Ingester,
    batch_size: BatchSize,
    poll_backoff: PollBackoff,
    skip_scans: HashMap<Cursor, SkipScan>,
    failure_reported: bool,
    backlog_read_at: Instant,
}

impl Reader {
    /// A reader that pauses while too many events are in flight.
    pub(crate) fn new(ingester: Ingester) -> Self {
        let state = Arc::clone(ingester.state());
        Self {
            batch_size: BatchSize::default(),
            poll_backoff: PollBackoff::new(state.poll_interval),
            skip_scans: HashMap::new(),
            state,
            ingester,
            failure_reported: false,
            backlog_read_at: Instant::now(),
        }
    }

    /// Reads until `stop` fires.
    pub(crate) async fn run(mut self, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            let pause = match self.read_step().await {
                Ok(pause) => pause,
                Err(error) => self.report_failure(&error),
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.state.nudge.notified() => {}
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
                () = std::future::ready(()), if pause.is_zero() => {}
            }
        }
    }

    /// Reads once from each cursor; returns the pause before the next step.
    async fn read_step(&mut self) -> Result<Duration, ReadError> {
        let Some(cursors) = self.state.tracker.cursors() else {
            return Ok(self.state.poll_interval);
        };
        if self.state.tracker.wait_for_capacity().await {
            return Ok(Duration::ZERO);
        }
        let limit = self.batch_size.limit();
        let mut rows = self.advance(Cursor::Lowest, cursors.lowest, limit).await?;
        if cursors.highest > cursors.lowest {
            rows = rows.max(self.advance(Cursor::Highest, cursors.highest, limit).await?);
        }
        let until_backlog = self.read_backlog(limit).await?;
        self.failure_reported = false;
        Ok(self.poll_backoff.delay_after(rows, limit).min(until_backlog))
    }

    /// Reads on for one backlog; returns the pause before the next.
    async fn read_backlog(&mut self, limit: usize) -> Result<Duration, ReadError> {
        let Some(backlog) = self.state.tracker.next_backlog() else {
            self.skip_scans.retain(|cursor, _| !matches!(cursor, Cursor::Backlog(_)));
            return Ok(self.state.poll_interval);
        };
        let waited = self.backlog_read_at.elapsed();
        if !backlog.is_shallow && waited < BACKLOG_INTERVAL {
            return Ok(BACKLOG_INTERVAL.saturating_sub(waited));
        }
        self.backlog_read_at = Instant::now();
        let BacklogRead {
            lead,
            companions,
            after,
            shared_read_to,
            is_shallow,
        } = backlog;
        let cursor = Cursor::Backlog(lead.clone());
        let batch = self.read(&cursor, after, limit).await?;
        if batch.read_to == after {
            self.state.tracker.rejoin(&lead);
            return Ok(Duration::ZERO);
        }
        // Gaps below the shared cursor are watched already, or were watched to the end.
        let gaps = batch.gaps.into_iter().filter(|gap| *gap.start() > shared_read_to).collect();
        let read_for = companions.into_iter().chain([lead]).collect();
        self.ingest(&cursor, read_for, after, limit, SkipScanBatch { gaps, ..batch })
            .await?;
        Ok(if is_shallow { Duration::ZERO } else { BACKLOG_INTERVAL })
    }

    async fn advance(&mut self, cursor: Cursor, after: Position, limit: usize) -> Result<usize, ReadError> {
        let batch = self.read(&cursor, after, limit).await?;
        if batch.read_to == after {
            self.skip_scans.remove(&cursor);
            return Ok(0);
        }
        let is_skip_scan = self
            .skip_scans
            .get(&cursor)
            .is_some_and(|skip_scan| skip_scan.plan().is_some());
        let rows = batch.rows.len();
        self.ingest(&cursor, BTreeSet::new(), after, limit, batch).await?;
        if is_skip_scan && self.is_still_at(&cursor, after) {
            // The scan skipped rows that a partition here has not read: read row by row before the next scan.
            self.skip_scans.remove(&cursor);
        }
        Ok(if is_skip_scan { limit } else { rows })
    }

    fn is_still_at(&self, cursor: &Cursor, position: Position) -> bool {
        self.state.tracker.cursors().is_some_and(|cursors| match cursor {
            Cursor::Lowest => cursors.lowest == position,
            Cursor::Highest => cursors.highest == position,
            Cursor::Backlog(_) => false,
        })
    }

    async fn read(&mut self, cursor: &Cursor, after: Position, limit: usize) -> Result<SkipScanBatch, SourceError> {
        let began = std::time::Instant::now();
        let source = &self.state.source;
        let read = match self.skip_scans.entry(cursor.clone()).or_default().plan() {
            Some((span, kinds)) => source.read_skipping(after, limit, span, kinds).await,
            None => source
                .read_after(after, limit)
                .await
                .map(|rows| SkipScanBatch::of_all(after, rows)),
        };
        if read.is_err() {
            // The scan may have been too long for the server.
            self.skip_scans.remove(cursor);
        }
        let batch = read?;
        metrics::record_poll(source.id(), batch.rows.len(), began.elapsed());
        self.batch_size
            .adapt(batch.rows.len(), batch.rows.iter().map(SourceRow::payload_bytes).sum());
        Ok(batch)
    }

    /// Ingests the rows, moves the cursors past them, and adapts the skip scan.
    async fn ingest(
        &mut self,
        cursor: &Cursor,
        read_for: BTreeSet<Stream>,
        after: Position,
        limit: usize,
        batch: SkipScanBatch,
    ) -> Result<(), ReadError> {
        let SkipScanBatch { rows, read_to, gaps } = batch;
        let count = rows.len();
        let skip_scan = self.skip_scans.get(cursor).cloned().unwrap_or_default();
        let skipped = skip_scan.plan().map(|(_, kinds)| kinds).unwrap_or_default();
        let range = ReadRange {
            after,
            to: read_to,
            skipped: skipped.iter().map(RowKind::stream).collect(),
            read_for,
        };
        let is_full = count >= limit;
        let not_admitted = self.ingester.ingest(rows, &range, gaps, is_full).await?;
        let next_scan = self.skip_scans.entry(cursor.clone()).or_default();
        if skip_scan.plan().is_some() {
            next_scan.learn_from_skip(read_to - after);
        } else if is_full {
            next_scan.learn_from_batch(count, not_admitted, &range.read_for);
        }
        Ok(())
    }

    fn report_failure(&mut self, error: &ReadError) -> Duration {
        metrics::count_failed_poll(self.state.source.id());
        if !self.failure_reported {
            tracing::warn!(source = %self.state.source.id(), %error, "the source cannot be read on; trying again");
            if let ReadError::Source(SourceError::Misconfigured(detail)) = error {
                self.ingester.record_source_audit(detail);
            }
        }
        self.failure_reported = true;
        FAILURE_PAUSE
    }
}
