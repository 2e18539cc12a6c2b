//! Reads one source, row after row, and takes up what is this worker's business.
//!
//! One task a source: everything that moves a cursor happens in one place, one step after the other, so that a row cannot slip between
//! two readers. Each held partition has its own cursor. A step reads on from the lowest, and from the highest as well, so that a
//! partition that has just been taken over catches up without keeping the others waiting. A stream with a deep backlog is set apart
//! with a cursor of its own, the rest goes past it in strides, and a step then reads on for one such stream as well.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ig_core::event::SourceRow;
use ig_core::id::Position;
use ig_core::poll::{BatchSize, Pace};
use ig_core::ports::{Passage, SourceError};
use ig_core::reading::Stretch;
use ig_core::stream::{RowKind, Stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::skip_scan::Stride;
use crate::tracker::Apart;

mod gap_watcher;
mod ingester;
mod state;

pub(crate) use gap_watcher::HoleWatch;
pub(crate) use ingester::Uptake;
pub(crate) use state::SourceState;

use ingester::ReadError;

/// The pause after a failed read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often a stream that is set apart is read on for while it has plenty under way: often enough to outpace any delivery, and seldom
/// enough to leave the processor to others.
const APART_INTERVAL: Duration = Duration::from_millis(50);

/// Whose cursor is read on from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Course {
    /// The partition that is furthest behind.
    Lowest,
    /// The partition that is furthest ahead.
    Highest,
    /// Streams that are set apart, behind the first of them.
    Apart(Stream),
}

/// The task that reads one source.
pub(crate) struct Reader {
    state: Arc<SourceState>,
    uptake: Uptake,
    batch: BatchSize,
    pace: Pace,
    strides: HashMap<Course, Stride>,
    complained: bool,
    apart_read: Instant,
}

impl Reader {
    /// A reader that pauses while too many events are under way.
    pub(crate) fn new(uptake: Uptake) -> Self {
        let state = Arc::clone(uptake.state());
        Self {
            batch: BatchSize::default(),
            pace: Pace::new(state.poll_interval),
            strides: HashMap::new(),
            state,
            uptake,
            complained: false,
            apart_read: Instant::now(),
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
    async fn step(&mut self) -> Result<Duration, ReadError> {
        let Some(cursors) = self.state.tracker.cursors() else {
            return Ok(self.state.poll_interval);
        };
        if self.state.tracker.room().await {
            return Ok(Duration::ZERO);
        }
        let limit = self.batch.limit();
        let mut rows = self.read_on(Course::Lowest, cursors.lowest, limit).await?;
        if cursors.highest > cursors.lowest {
            rows = rows.max(self.read_on(Course::Highest, cursors.highest, limit).await?);
        }
        let until_apart = self.read_apart(limit).await?;
        self.complained = false;
        Ok(self.pace.after(rows, limit).min(until_apart))
    }

    /// Reads on for one of the streams that are set apart; says how long to wait before that is to be done again.
    async fn read_apart(&mut self, limit: usize) -> Result<Duration, ReadError> {
        let Some(apart) = self.state.tracker.most_urgent() else {
            self.strides.retain(|course, _| !matches!(course, Course::Apart(_)));
            return Ok(self.state.poll_interval);
        };
        let waited = self.apart_read.elapsed();
        if !apart.is_short && waited < APART_INTERVAL {
            return Ok(APART_INTERVAL.saturating_sub(waited));
        }
        self.apart_read = Instant::now();
        let Apart {
            lead,
            along,
            after,
            others,
            is_short,
        } = apart;
        let course = Course::Apart(lead.clone());
        let passage = self.read(&course, after, limit).await?;
        if passage.read_to == after {
            self.state.tracker.rejoin(&lead);
            return Ok(Duration::ZERO);
        }
        // What lies below the others' cursor they have looked at: its gaps are watched already, or were for long enough.
        let gaps = passage.gaps.into_iter().filter(|gap| *gap.start() > others).collect();
        let read_for = along.into_iter().chain([lead]).collect();
        self.pass(&course, read_for, after, limit, Passage { gaps, ..passage })
            .await?;
        Ok(if is_short { Duration::ZERO } else { APART_INTERVAL })
    }

    async fn read_on(&mut self, course: Course, after: Position, limit: usize) -> Result<usize, ReadError> {
        let passage = self.read(&course, after, limit).await?;
        if passage.read_to == after {
            self.strides.remove(&course);
            return Ok(0);
        }
        let is_stride = self.strides.get(&course).is_some_and(|stride| stride.plan().is_some());
        let rows = passage.rows.len();
        self.pass(&course, BTreeSet::new(), after, limit, passage).await?;
        if is_stride && self.is_still_at(&course, after) {
            // Something was passed that a partition here has not read: it is read row by row before the next stride.
            self.strides.remove(&course);
        }
        Ok(if is_stride { limit } else { rows })
    }

    fn is_still_at(&self, course: &Course, position: Position) -> bool {
        self.state.tracker.cursors().is_some_and(|cursors| match course {
            Course::Lowest => cursors.lowest == position,
            Course::Highest => cursors.highest == position,
            Course::Apart(_) => false,
        })
    }

    async fn read(&mut self, course: &Course, after: Position, limit: usize) -> Result<Passage, SourceError> {
        let began = std::time::Instant::now();
        let source = &self.state.source;
        let read = match self.strides.entry(course.clone()).or_default().plan() {
            Some((span, kinds)) => source.read_past(after, limit, span, kinds).await,
            None => source.read_after(after, limit).await.map(|rows| Passage::of_all(after, rows)),
        };
        if read.is_err() {
            // The stride may have been too long for the server.
            self.strides.remove(course);
        }
        let passage = read?;
        metrics::polled(source.id(), passage.rows.len(), began.elapsed());
        self.batch
            .learn(passage.rows.len(), passage.rows.iter().map(SourceRow::payload_bytes).sum());
        Ok(passage)
    }

    /// Takes up what was read, moves the cursors past it, and learns how to go on.
    async fn pass(
        &mut self,
        course: &Course,
        read_for: BTreeSet<Stream>,
        after: Position,
        limit: usize,
        passage: Passage,
    ) -> Result<(), ReadError> {
        let Passage { rows, read_to, gaps } = passage;
        let count = rows.len();
        let stride = self.strides.get(course).cloned().unwrap_or_default();
        let passed = stride.plan().map(|(_, kinds)| kinds).unwrap_or_default();
        let stretch = Stretch {
            after,
            to: read_to,
            passed: passed.iter().map(RowKind::stream).collect(),
            read_for,
        };
        let is_full = count >= limit;
        let untaken = self.uptake.take_up(rows, &stretch, gaps, is_full).await?;
        let learning = self.strides.entry(course.clone()).or_default();
        if stride.plan().is_some() {
            learning.gained(read_to - after);
        } else if is_full {
            learning.learn(count, untaken, &stretch.read_for);
        }
        Ok(())
    }

    fn complain(&mut self, error: &ReadError) -> Duration {
        metrics::source_failed(self.state.source.id());
        if !self.complained {
            tracing::warn!(source = %self.state.source.id(), %error, "the source cannot be read on; trying again");
            if let ReadError::Source(SourceError::Misconfigured(detail)) = error {
                self.uptake.audit_source(detail);
            }
        }
        self.complained = true;
        AFTER_FAILURE
    }
}
