//! Reads one source, row after row, and takes up what is this worker's business.
//!
//! One task a source: everything that moves a cursor happens in one place, one step after the other, so that a row cannot slip between
//! two readers. Each held partition has its own cursor. A step reads on from the lowest, and from the highest as well, so that a
//! partition that has just been taken over catches up without keeping the others waiting. A stream with a deep backlog is set apart
//! with a cursor of its own, the rest goes past it in strides, and a step then reads on for one such stream as well.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ig_core::clock::Clock;
use ig_core::event::SourceRow;
use ig_core::holes::Holes;
use ig_core::id::Position;
use ig_core::poll::{BatchSize, Pace};
use ig_core::ports::{Passage, SourceError, StoreError};
use ig_core::reading::Stretch;
use ig_core::stream::{RowKind, Stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dispatch::Dispatch;
use crate::intake::Addressed;
use crate::metrics;
use crate::recall::Recall;
use crate::stride::Stride;
use crate::tracker::{Apart, Offered};

mod state;

pub(crate) use state::SourceState;

/// The pause after a failed read.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often holes are looked at while there are any.
const HOLE_INTERVAL: Duration = Duration::from_millis(200);
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

/// Why a source could not be read on.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    /// It was not read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was decided earlier could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The task that reads one source.
pub(crate) struct Reader {
    state: Arc<SourceState>,
    dispatch: Arc<Dispatch>,
    recall: Recall,
    clock: Arc<dyn Clock>,
    batch: BatchSize,
    pace: Pace,
    strides: HashMap<Course, Stride>,
    complained: bool,
    holes_checked: Instant,
    apart_read: Instant,
}

impl Reader {
    /// A reader that hands what it takes up to `dispatch`, and pauses while too many events are under way.
    pub(crate) fn new(state: Arc<SourceState>, dispatch: Arc<Dispatch>, recall: Recall, clock: Arc<dyn Clock>) -> Self {
        Self {
            batch: BatchSize::default(),
            pace: Pace::new(state.poll_interval),
            strides: HashMap::new(),
            state,
            dispatch,
            recall,
            clock,
            complained: false,
            holes_checked: Instant::now(),
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
        self.look_at_holes().await?;
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
        let untaken = self.take_up(rows, &stretch, gaps, is_full).await?;
        let learning = self.strides.entry(course.clone()).or_default();
        if stride.plan().is_some() {
            learning.gained(read_to - after);
        } else if is_full {
            learning.learn(count, untaken, &stretch.read_for);
        }
        Ok(())
    }

    /// Takes up what is due of a stretch, and says of what kinds the rest is. All rows are addressed first, and what was decided about
    /// them is recalled, since that may fail: once the first is taken up, nothing fails.
    async fn take_up(
        &self,
        rows: Vec<SourceRow>,
        stretch: &Stretch,
        gaps: Vec<RangeInclusive<Position>>,
        is_behind: bool,
    ) -> Result<Vec<RowKind>, ReadError> {
        let mut addressed = Vec::with_capacity(rows.len());
        for row in rows {
            addressed.push(self.dispatch.intake().address(self.state.source.as_ref(), row).await?);
        }
        let (source, recheck_to) = (self.state.source.id(), self.state.tracker.recheck_to());
        self.recall.remember(source, &mut addressed, recheck_to).await?;
        Ok(self.take_up_addressed(&addressed, stretch, gaps, is_behind))
    }

    fn take_up_addressed(
        &self,
        addressed: &[Addressed],
        stretch: &Stretch,
        gaps: Vec<RangeInclusive<Position>>,
        is_behind: bool,
    ) -> Vec<RowKind> {
        let taken = {
            let mut holes = self.state.holes.lock();
            holes.note(gaps, self.clock.now());
            let offered = addressed.iter().map(|row| offer(row, &mut holes)).collect();
            self.state.tracker.offer(stretch, offered, is_behind)
        };
        let mut untaken = Vec::new();
        for (row, ticket) in addressed.iter().zip(taken) {
            match ticket {
                Some(ticket) => self.dispatch.take_up(&self.state, row, ticket),
                None => untaken.extend(RowKind::of(&row.row)),
            }
        }
        untaken
    }

    async fn look_at_holes(&mut self) -> Result<(), ReadError> {
        if self.holes_checked.elapsed() < HOLE_INTERVAL {
            return Ok(());
        }
        self.look_at_tail().await?;
        if self.state.holes.lock().is_empty() {
            return Ok(());
        }
        self.holes_checked = Instant::now();
        // Asked before anything is given up, so that a row that committed at the last moment is still found.
        let asked_at = self.clock.now();
        let ranges = self.state.holes.lock().ranges();
        let rows = self.state.source.read_ranges(&ranges).await?;
        self.take_up(rows, &Stretch::of_holes(), Vec::new(), false).await?;
        let over = self.state.holes.lock().watched_for(asked_at, self.state.hole_watch);
        self.take_up_vanished(over).await?;
        let given_up = self.state.holes.lock().give_up(asked_at, self.state.hole_watch);
        metrics::holes_given_up(self.state.source.id(), given_up);
        Ok(())
    }

    /// Positions above the head that were seen once are watched like holes.
    async fn look_at_tail(&self) -> Result<(), ReadError> {
        let Some(tail) = self.state.tail.lock().clone() else {
            return Ok(());
        };
        let head = self.state.source.head().await?;
        if head < *tail.positions.end() {
            if tail.missed_at.elapsed() < self.state.hole_watch {
                return Ok(());
            }
            let first = *tail.positions.start();
            self.take_up_vanished(vec![first.max(head + 1)..=*tail.positions.end()])
                .await?;
        }
        *self.state.tail.lock() = None;
        Ok(())
    }

    /// Takes up events in these ranges that were decided about before their rows vanished, so that each is recorded as lost.
    async fn take_up_vanished(&self, ranges: Vec<RangeInclusive<Position>>) -> Result<(), ReadError> {
        let recheck_to = self.state.tracker.recheck_to();
        let below = ranges.into_iter().map(|range| *range.start()..=recheck_to.min(*range.end()));
        let mut ranges: Vec<_> = below.filter(|range| !range.is_empty()).collect();
        while !ranges.is_empty() {
            let (vanished, left) = self.recall.vanished(self.state.source.id(), &ranges).await?;
            self.take_up_addressed(&vanished, &Stretch::of_holes(), Vec::new(), false);
            ranges = left;
        }
        Ok(())
    }

    fn complain(&mut self, error: &ReadError) -> Duration {
        metrics::source_failed(self.state.source.id());
        if !self.complained {
            tracing::warn!(source = %self.state.source.id(), %error, "the source cannot be read on; trying again");
            if let ReadError::Source(SourceError::Misconfigured(detail)) = error {
                self.dispatch.audit_source(self.state.source.id(), detail);
            }
        }
        self.complained = true;
        AFTER_FAILURE
    }
}

fn offer(addressed: &Addressed, holes: &mut Holes) -> Offered {
    let position = addressed.row.position;
    Offered {
        position,
        stream: addressed.stream.clone(),
        is_sure: addressed.row.parent_rid.is_some(),
        fills_hole: holes.fill(position),
        has_vanished: addressed.earlier.as_ref().is_some_and(|earlier| !earlier.is_visible),
    }
}
