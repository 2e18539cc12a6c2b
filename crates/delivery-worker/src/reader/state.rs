//! A source with what this worker knows of it.

use std::sync::Arc;
use std::time::Duration;

use ig_core::holes::Holes;
use ig_core::id::Position;
use ig_core::lease::Checkpoint;
use ig_core::ports::{EventSource, StartPosition};
use ig_sources::RegisteredSource;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::tenure::Tenure;
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
        })
    }

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

    /// The checkpoints that moved since they were last saved. No hole can come or go while they are worked out.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let holes = self.holes.lock();
        self.tracker.checkpoints(holes.lowest())
    }
}
