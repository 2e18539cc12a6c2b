//! A source with this worker's state of it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ig_core::audit::EventAudit;
use ig_core::event::SourceRow;
use ig_core::gap_tracker::GapTracker;
use ig_core::generation::Generations;
use ig_core::id::Position;
use ig_core::lease::{Checkpoint, MAX_UNSAVED_READ};
use ig_core::ports::{EventSource, SourceError, StartPosition};
use ig_core::rewind::{Rewinds, disjoint};
use ig_core::stream::Stream;
use ig_sources::RegisteredSource;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::local_lease::LocalLease;
use crate::tracker::{ResumePoint, Tracker};

/// A source with this worker's state of it.
pub(crate) struct SourceState {
    pub source: Arc<dyn EventSource>,
    /// What of it is read, in flight and done.
    pub tracker: Arc<Tracker>,
    /// The gaps that are watched.
    pub gap_tracker: Mutex<GapTracker>,
    /// Wakes the reader when there are new rows.
    pub nudge: Notify,
    /// The longest pause between two reads.
    pub poll_interval: Duration,
    /// How long a gap is watched.
    pub gap_watch: Duration,
    /// Positions above the source's head that may have been decided about, until they are checked.
    pub tail: Mutex<Option<Tail>>,
    /// The tables that the source has had, as of the last start of a partition.
    pub generations: RwLock<Generations>,
    /// The rewinds of the source, as of the last start of a partition.
    pub rewinds: RwLock<Rewinds>,
    /// The highest read position that is stored for the next holder.
    pub saved_read_to: AtomicU64,
    /// Since when the source has been behind its own head.
    behind_since: Mutex<Option<Instant>>,
}

/// Positions above the source's head that may have been decided about.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    /// The positions, ascending.
    pub positions: Vec<RangeInclusive<Position>>,
    /// Since when the positions are watched.
    pub watched_since: Instant,
}

impl SourceState {
    /// A source of which nothing is read yet, for at most about `max_in_flight` events.
    pub(crate) fn new(registered: RegisteredSource, max_in_flight: usize) -> Arc<Self> {
        let RegisteredSource {
            source,
            poll_interval,
            gap_watch,
        } = registered;
        Arc::new(Self {
            tracker: Tracker::new(source.id().clone(), max_in_flight),
            source,
            gap_tracker: Mutex::default(),
            nudge: Notify::new(),
            poll_interval,
            gap_watch,
            tail: Mutex::default(),
            generations: RwLock::default(),
            rewinds: RwLock::default(),
            saved_read_to: AtomicU64::new(0),
            behind_since: Mutex::default(),
        })
    }

    /// The row with the id of its event.
    pub(crate) fn with_event_id(&self, row: SourceRow) -> SourceRow {
        let event_id = row.event_id.unwrap_or_else(|| self.generations.read().event_id(row.position));
        SourceRow {
            event_id: Some(event_id),
            ..row
        }
    }

    /// Where a source begins that was never read. Only a source that begins now has to be available for that.
    pub(crate) async fn first_position(&self) -> Result<Position, SourceError> {
        match self.source.start() {
            StartPosition::Now => self.source.head().await,
            StartPosition::Beginning => Ok(0),
            StartPosition::After(position) => Ok(position),
        }
    }

    /// Starts reading for a partition; an earlier holder may have decided about events up to `recheck_to`, and delivered them.
    pub(crate) fn start_partition(&self, lease: Arc<LocalLease>, checkpoint: Position, recheck_to: Position) {
        self.tracker.start_partition(lease, ResumePoint { checkpoint, recheck_to });
        self.nudge.notify_one();
    }

    /// Watches positions above the head that may have been decided about: those up to `seen`, those read since `seen` was stored, and those
    /// that may have waited at a rewind.
    pub(crate) fn watch_tail(&self, head: Position, seen: Position) {
        let watched_since = Instant::now();
        let read = head + 1..=head.max(seen).saturating_add(MAX_UNSAVED_READ);
        let positions = disjoint(self.rewinds.read().possibly_unfinished_above(head).chain([read]));
        *self.tail.lock() = Some(Tail {
            positions,
            watched_since,
        });
    }

    /// Whether a decided event was done before a rewind.
    pub(crate) fn was_done(&self, audit: &EventAudit) -> bool {
        let generation = self.generations.read().generation_of(&audit.event_id, audit.position);
        let event_type = audit.event_type.as_ref().map_or("", |event_type| event_type.as_str());
        let partition = Stream::new(audit.org_id, event_type).partition();
        let rewinds = self.rewinds.read();
        rewinds.was_done(generation, partition, audit.position, audit.decided_at)
    }

    /// Whether the source has shown rows past a position: a row that is missing there was deleted. A replica that lags shows neither the
    /// row nor a later one; it is given as long as a gap.
    pub(crate) async fn has_shown_past(&self, position: Position) -> Result<bool, SourceError> {
        let head = self.source.head().await?;
        let behind_for = self.behind_for(head);
        Ok(head > position || behind_for >= self.gap_watch)
    }

    /// The highest position that the source has ever shown.
    pub(crate) fn highest_shown(&self) -> Position {
        self.tracker.read_to().max(self.saved_read_to.load(Ordering::Relaxed))
    }

    /// How long the source has been behind its own head, given its head now.
    pub(crate) fn behind_for(&self, head: Position) -> Duration {
        let mut since = self.behind_since.lock();
        if head >= self.highest_shown() {
            *since = None;
            return Duration::ZERO;
        }
        since.get_or_insert_with(Instant::now).elapsed()
    }

    /// The checkpoints that moved since they were last saved. No gap can open or close meanwhile.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let gap_tracker = self.gap_tracker.lock();
        self.tracker.checkpoints(gap_tracker.lowest())
    }
}
