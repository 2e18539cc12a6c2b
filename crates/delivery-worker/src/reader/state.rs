//! A source with what this worker knows of it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ig_core::audit::EventAudit;
use ig_core::event::SourceRow;
use ig_core::generation::Generations;
use ig_core::holes::Holes;
use ig_core::id::Position;
use ig_core::lease::{Checkpoint, READ_SINCE};
use ig_core::ports::{EventSource, SourceError, StartPosition};
use ig_core::rewind::{Rewinds, disjoint};
use ig_core::stream::Stream;
use ig_sources::RegisteredSource;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::held_lease::Tenure;
use crate::tracker::{Resume, Tracker};

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
    /// The longest pause between two reads.
    pub poll_interval: Duration,
    /// How long a hole is watched.
    pub hole_watch: Duration,
    /// Positions above the source's head that may have been decided about, until they are looked at.
    pub tail: Mutex<Option<Tail>>,
    /// The tables that it has had, as far as is known since partitions were last taken up.
    pub generations: RwLock<Generations>,
    /// The times that a person had it read again, likewise.
    pub rewinds: RwLock<Rewinds>,
    /// How far it is known to whoever comes after that the source was seen.
    pub seen_saved: AtomicU64,
    /// Since when the source has been showing less than it has shown before.
    behind: Mutex<Option<Instant>>,
}

/// Positions above the source's head that may have been decided about.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The positions, ascending.
    pub positions: Vec<RangeInclusive<Position>>,
    /// Since when they are waited for.
    pub missed_at: Instant,
}

impl SourceState {
    /// Nothing is known yet; at most about so many events are to be under way.
    pub(crate) fn new(registered: RegisteredSource, max_in_flight: usize) -> Arc<Self> {
        let RegisteredSource {
            source,
            poll_interval,
            hole_watch,
        } = registered;
        Arc::new(Self {
            tracker: Tracker::new(source.id().clone(), max_in_flight),
            source,
            holes: Mutex::default(),
            nudge: Notify::new(),
            poll_interval,
            hole_watch,
            tail: Mutex::default(),
            generations: RwLock::default(),
            rewinds: RwLock::default(),
            seen_saved: AtomicU64::new(0),
            behind: Mutex::default(),
        })
    }

    /// A row with the identifier of its event.
    pub(crate) fn named(&self, row: SourceRow) -> SourceRow {
        let event_id = row.event_id.unwrap_or_else(|| self.generations.read().event_id(row.position));
        SourceRow {
            event_id: Some(event_id),
            ..row
        }
    }

    /// Where the source begins when it has never been read. Only one that begins now has to be there for that.
    pub(crate) async fn first_position(&self) -> Result<Position, SourceError> {
        match self.source.start() {
            StartPosition::Now => self.source.head().await,
            StartPosition::Beginning => Ok(0),
            StartPosition::After(position) => Ok(position),
        }
    }

    /// Begins reading for a partition; events up to `recheck_to` may have been decided about and delivered by an earlier holder.
    pub(crate) fn begin(&self, tenure: Arc<Tenure>, checkpoint: Position, recheck_to: Position) {
        self.tracker.hold(tenure, Resume { checkpoint, recheck_to });
        self.nudge.notify_one();
    }

    /// Notes that positions above the head may have been decided about: up to `seen`, and what was read since that was stored; and what may
    /// have waited when a person had the source read again.
    pub(crate) fn miss(&self, head: Position, seen: Position) {
        let missed_at = Instant::now();
        let read = head + 1..=head.max(seen).saturating_add(READ_SINCE);
        let positions = disjoint(self.rewinds.read().left_above(head).chain([read]));
        *self.tail.lock() = Some(Tail { positions, missed_at });
    }

    /// Whether an event that was decided about was done when a person had the source read again.
    pub(crate) fn was_done(&self, audit: &EventAudit) -> bool {
        let table = self.generations.read().table_of(&audit.event_id, audit.position);
        let event_type = audit.event_type.as_ref().map_or("", |event_type| event_type.as_str());
        let partition = Stream::new(audit.org_id, event_type).partition();
        let rewinds = self.rewinds.read();
        rewinds.was_done(table, partition, audit.position, audit.decided_at)
    }

    /// Whether the source has gone past a position: a row that is not there any more was deleted then. A copy that lags behind shows
    /// neither the row nor a later one, which is given as long as a hole.
    pub(crate) async fn has_passed(&self, position: Position) -> Result<bool, SourceError> {
        let head = self.source.head().await?;
        let behind_for = self.behind_for(head);
        Ok(head > position || behind_for >= self.hole_watch)
    }

    /// The highest position that the source has ever shown.
    pub(crate) fn shown(&self) -> Position {
        self.tracker.read_to().max(self.seen_saved.load(Ordering::Relaxed))
    }

    /// For how long the source has been showing less than it has shown before, with its head as it is now.
    pub(crate) fn behind_for(&self, head: Position) -> Duration {
        let mut behind = self.behind.lock();
        if head >= self.shown() {
            *behind = None;
            return Duration::ZERO;
        }
        behind.get_or_insert_with(Instant::now).elapsed()
    }

    /// The checkpoints that moved since they were last saved. No hole can come or go while they are worked out.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let holes = self.holes.lock();
        self.tracker.checkpoints(holes.lowest())
    }
}
