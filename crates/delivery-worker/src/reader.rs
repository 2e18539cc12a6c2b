//! Reads one source, row after row, and takes up what is this worker's business.
//!
//! One task a source: everything that moves a cursor happens in one place, one step after the other, so that a row cannot slip between
//! two readers. Each held partition has its own cursor. A step reads on from the lowest, and from the highest as well, so that a
//! partition that has just been taken over catches up without keeping the others waiting.

use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Clock;
use ig_core::event::{RowPayload, SourceRow};
use ig_core::holes::Holes;
use ig_core::id::Position;
use ig_core::poll::{BatchSize, Pace};
use ig_core::ports::{EventSource, SourceError, StartPosition};
use ig_sources::RegisteredSource;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::dispatch::Dispatch;
use crate::metrics;
use crate::tenure::Tenure;
use crate::tracker::{Resume, Tracker};

/// The pause after a failed read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often holes are looked at while there are any.
const HOLE_INTERVAL: Duration = Duration::from_millis(200);

/// A source with what this worker knows of it.
pub(crate) struct SourceState {
    /// The source.
    pub source: Arc<dyn EventSource>,
    /// What of it is read, under way and done.
    pub tracker: Arc<Tracker>,
    /// The holes that are watched.
    pub holes: Mutex<Holes>,
    /// Wakes the reader: there is something new.
    pub nudge: Notify,
    poll_interval: Duration,
    hole_watch: Duration,
}

impl SourceState {
    /// Nothing is known yet.
    pub(crate) fn new(registered: RegisteredSource) -> Arc<Self> {
        let RegisteredSource {
            source,
            poll_interval,
            hole_watch,
        } = registered;
        Arc::new(Self {
            tracker: Tracker::new(source.id().clone()),
            source,
            holes: Mutex::default(),
            nudge: Notify::new(),
            poll_interval,
            hole_watch,
        })
    }
}

impl SourceState {
    /// Where the source begins when it has never been read, given its present head.
    pub(crate) fn first_position(&self, head: Position) -> Position {
        match self.source.start() {
            StartPosition::Now => head,
            StartPosition::Beginning => 0,
            StartPosition::After(position) => position,
        }
    }

    /// Begins reading for a partition; rows up to `head` may have been delivered by an earlier holder.
    pub(crate) fn begin(&self, tenure: Arc<Tenure>, checkpoint: Position, head: Position) {
        let recheck_to = head;
        self.tracker.hold(tenure, Resume { checkpoint, recheck_to });
        self.nudge.notify_one();
    }
}

/// Rows that were not read in sequence are taken up by those partitions alone that have passed them.
const CONNECTS_TO_NOTHING: Position = Position::MAX;

/// The task that reads one source.
pub(crate) struct Reader {
    state: Arc<SourceState>,
    dispatch: Arc<Dispatch>,
    clock: Arc<dyn Clock>,
    max_in_flight: usize,
    batch: BatchSize,
    pace: Pace,
    complained: bool,
    holes_checked: tokio::time::Instant,
}

impl Reader {
    /// A reader that hands what it takes up to `dispatch`, and pauses while `max_in_flight` events are under way.
    pub(crate) fn new(state: Arc<SourceState>, dispatch: Arc<Dispatch>, clock: Arc<dyn Clock>, max_in_flight: usize) -> Self {
        Self {
            batch: BatchSize::default(),
            pace: Pace::new(state.poll_interval),
            state,
            dispatch,
            clock,
            max_in_flight,
            complained: false,
            holes_checked: tokio::time::Instant::now(),
        }
    }

    /// Reads until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            let pause = match self.step().await {
                Ok(pause) => pause,
                Err(error) => self.complain(&error),
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.state.nudge.notified() => {}
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
                () = std::future::ready(()), if pause.is_zero() => {}
            }
        }
    }

    /// Reads on once; says how long to wait before the next step.
    async fn step(&mut self) -> Result<Duration, SourceError> {
        let Some((lowest, highest)) = self.state.tracker.cursors() else {
            return Ok(self.state.poll_interval);
        };
        if self.state.tracker.in_flight() >= self.max_in_flight {
            self.state.tracker.room(self.max_in_flight).await;
            return Ok(Duration::ZERO);
        }
        let limit = self.batch.limit();
        let mut rows = self.read_on(lowest, limit).await?;
        if highest > lowest {
            rows = rows.max(self.read_on(highest, limit).await?);
        }
        self.look_at_holes().await?;
        self.complained = false;
        Ok(self.pace.after(rows, limit))
    }

    async fn read_on(&mut self, after: Position, limit: usize) -> Result<usize, SourceError> {
        let began = std::time::Instant::now();
        let rows = self.state.source.read_after(after, limit).await?;
        metrics::polled(self.state.source.id(), rows.len(), began.elapsed());
        let Some(last) = rows.last().map(|row| row.position) else {
            return Ok(0);
        };
        let count = rows.len();
        self.batch.learn(count, rows.iter().map(payload_size).sum());
        self.state
            .holes
            .lock()
            .note_gaps(after, rows.iter().map(|row| row.position), self.clock.now());
        self.take_up(rows, after).await?;
        self.state.tracker.advance(after, last);
        Ok(count)
    }

    /// Takes up rows that were read after `after`. All are addressed first, since that may fail: once the first is taken up, nothing fails.
    async fn take_up(&self, rows: Vec<SourceRow>, after: Position) -> Result<(), SourceError> {
        let mut addressed_rows = Vec::with_capacity(rows.len());
        for row in rows {
            addressed_rows.push(self.dispatch.intake().address(self.state.source.as_ref(), row).await?);
        }
        for addressed in addressed_rows {
            let position = addressed.row.position;
            let fills_hole = self.state.holes.lock().fill(position);
            if let Some(ticket) = self.state.tracker.take(addressed.partition, position, after, fills_hole) {
                self.dispatch.take_up(&self.state, &addressed, ticket);
            }
        }
        Ok(())
    }

    async fn look_at_holes(&mut self) -> Result<(), SourceError> {
        if self.state.holes.lock().is_empty() || self.holes_checked.elapsed() < HOLE_INTERVAL {
            return Ok(());
        }
        self.holes_checked = tokio::time::Instant::now();
        // Asked before anything is given up, so that a row that committed at the last moment is still found.
        let asked_at = self.clock.now();
        let ranges = self.state.holes.lock().ranges();
        let rows = self.state.source.read_ranges(&ranges).await?;
        self.take_up(rows, CONNECTS_TO_NOTHING).await?;
        let given_up = self.state.holes.lock().give_up(asked_at, self.state.hole_watch);
        metrics::holes_given_up(self.state.source.id(), given_up);
        Ok(())
    }

    fn complain(&mut self, error: &SourceError) -> Duration {
        metrics::source_failed(self.state.source.id());
        if !self.complained {
            tracing::warn!(source = %self.state.source.id(), %error, "the source cannot be read; trying again");
            if let SourceError::Misconfigured(detail) = error {
                self.dispatch.audit_source(self.state.source.id(), detail);
            }
        }
        self.complained = true;
        AFTER_FAILURE
    }
}

fn payload_size(row: &SourceRow) -> usize {
    match &row.payload {
        RowPayload::Present(bytes) => bytes.len(),
        RowPayload::Missing | RowPayload::TooLarge { .. } => 0,
    }
}
