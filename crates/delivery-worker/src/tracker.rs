//! What of each source is read, under way and done, by partition.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ig_core::id::{Position, SourceId};
use ig_core::lease::Checkpoint;
use ig_core::partition::PartitionId;
use ig_core::progress::Progress;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::tenure::Tenure;

/// One source's progress within one held partition.
#[derive(Debug)]
struct Held {
    tenure: Arc<Tenure>,
    progress: Progress<Instant>,
    read_to: Position,
    recheck_to: Position,
    saved: Position,
}

/// Where a partition's reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Everything up to here is done.
    pub checkpoint: Position,
    /// Rows up to here may have been delivered by an earlier holder.
    pub recheck_to: Position,
}

/// The progress of one source through the partitions that this worker holds.
#[derive(Debug)]
pub(crate) struct Tracker {
    source: SourceId,
    held: Mutex<HashMap<PartitionId, Held>>,
    in_flight: AtomicUsize,
    changed: Notify,
}

/// An event that was taken up; it is done when all that it caused is durable.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<TicketState>);

#[derive(Debug)]
struct TicketState {
    tracker: Arc<Tracker>,
    tenure: Arc<Tenure>,
    position: Position,
    recheck: bool,
    open: AtomicUsize,
}

impl Tracker {
    /// Nothing is held yet.
    pub(crate) fn new(source: SourceId) -> Arc<Self> {
        Arc::new(Self {
            source,
            held: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            changed: Notify::new(),
        })
    }

    /// Begins a partition where an earlier holder stopped.
    pub(crate) fn hold(&self, tenure: Arc<Tenure>, resume: Resume) {
        let held = Held {
            progress: Progress::resume(resume.checkpoint),
            read_to: resume.checkpoint,
            recheck_to: resume.recheck_to,
            saved: resume.checkpoint,
            tenure,
        };
        let partition = held.tenure.partition();
        if let Some(old) = self.held.lock().insert(partition, held) {
            self.uncount(old.progress.in_flight());
        }
        self.changed.notify_waiters();
    }

    /// Whether a partition has begun under this tenure.
    pub(crate) fn has_begun(&self, tenure: &Tenure) -> bool {
        let held = self.held.lock();
        held.get(&tenure.partition())
            .is_some_and(|held| held.tenure.epoch() == tenure.epoch())
    }

    /// Forgets a partition; tickets of that hold count for nothing from here on.
    pub(crate) fn drop_partition(&self, partition: PartitionId) {
        if let Some(old) = self.held.lock().remove(&partition) {
            self.uncount(old.progress.in_flight());
        }
        self.changed.notify_waiters();
    }

    /// The lowest and the highest position from which held partitions have yet to be read.
    pub(crate) fn cursors(&self) -> Option<(Position, Position)> {
        let held = self.held.lock();
        let cursors = held.values().filter(|held| held.tenure.holds()).map(|held| held.read_to);
        cursors.fold(None, |span, at| match span {
            None => Some((at, at)),
            Some((low, high)) => Some((at.min(low), at.max(high))),
        })
    }

    /// Takes up a row of a batch that was read after `after`, unless it is not ours or was taken up before.
    ///
    /// A row at or below the partition's cursor was read before, but for one that fills a hole.
    /// A row above it is left for later when the batch does not connect to the cursor.
    pub(crate) fn take(
        self: &Arc<Self>,
        partition: PartitionId,
        position: Position,
        after: Position,
        fills_hole: bool,
    ) -> Option<Ticket> {
        let mut all = self.held.lock();
        let held = all.get_mut(&partition).filter(|held| held.tenure.holds())?;
        let due = if position > held.read_to {
            after <= held.read_to
        } else {
            fills_hole
        };
        if !due || !held.progress.begin(position, Instant::now()) {
            return None;
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Ticket(Arc::new(TicketState {
            tracker: Arc::clone(self),
            tenure: Arc::clone(&held.tenure),
            position,
            recheck: position <= held.recheck_to,
            open: AtomicUsize::new(1),
        })))
    }

    /// Notes that everything visible in `(after, to]` was offered to [`Self::take`].
    pub(crate) fn advance(&self, after: Position, to: Position) {
        for held in self.held.lock().values_mut() {
            if after <= held.read_to && to > held.read_to {
                held.read_to = to;
                held.progress.read_to(to);
            }
        }
    }

    /// The checkpoints that moved since they were last saved.
    pub(crate) fn checkpoints(&self, lowest_hole: Option<Position>) -> Vec<Checkpoint> {
        let mut moved = Vec::new();
        for (partition, held) in self.held.lock().iter_mut() {
            let position = held.progress.checkpoint(lowest_hole);
            if position > held.saved && held.tenure.holds() {
                moved.push(Checkpoint {
                    partition: *partition,
                    epoch: held.tenure.epoch(),
                    source: self.source.clone(),
                    position,
                });
            }
        }
        moved
    }

    /// Notes that a checkpoint is stored.
    pub(crate) fn saved(&self, checkpoint: &Checkpoint) {
        if let Some(held) = self.held.lock().get_mut(&checkpoint.partition)
            && held.tenure.epoch() == checkpoint.epoch
        {
            held.saved = held.saved.max(checkpoint.position);
        }
    }

    /// How many events are under way in all.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// For how long the oldest event has been under way.
    pub(crate) fn oldest_age(&self) -> Duration {
        let held = self.held.lock();
        let oldest = held.values().filter_map(|held| held.progress.oldest()).min();
        oldest.map_or(Duration::ZERO, Instant::elapsed)
    }

    /// Waits until fewer than `limit` events are under way, or a moment has passed.
    pub(crate) async fn room(&self, limit: usize) {
        let changed = self.changed.notified();
        if self.in_flight() >= limit {
            let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
        }
    }

    fn finish(&self, ticket: &TicketState) {
        let mut all = self.held.lock();
        let held = all.get_mut(&ticket.tenure.partition());
        if let Some(held) = held.filter(|held| held.tenure.epoch() == ticket.tenure.epoch()) {
            held.progress.finish(ticket.position);
            self.uncount(1);
        }
    }

    fn uncount(&self, events: usize) {
        self.in_flight.fetch_sub(events, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

impl Ticket {
    /// Announces so many further parts that have to be durable.
    pub(crate) fn expect(&self, parts: usize) {
        self.0.open.fetch_add(parts, Ordering::Relaxed);
    }

    /// One part is durable; with the last one the event is done.
    pub(crate) fn part_done(&self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.tracker.finish(&self.0);
        }
    }

    /// Whether the event may still be worked on.
    pub(crate) fn holds(&self) -> bool {
        self.0.tenure.holds()
    }

    /// Its place in its source.
    pub(crate) fn position(&self) -> Position {
        self.0.position
    }

    /// Whether an earlier holder may have delivered it.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.0.recheck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u8 = 1;
    const B: u8 = 2;

    fn partition(number: u8) -> PartitionId {
        PartitionId::new(number).unwrap()
    }

    fn hold(tracker: &Tracker, number: u8, checkpoint: Position) -> Arc<Tenure> {
        let tenure = Arc::new(Tenure::new(partition(number), 1, Instant::now(), Duration::from_mins(1)));
        tracker.hold(
            Arc::clone(&tenure),
            Resume {
                checkpoint,
                recheck_to: 0,
            },
        );
        tenure
    }

    fn tracker() -> Arc<Tracker> {
        Tracker::new(SourceId::new("mysql"))
    }

    #[test]
    fn a_partition_that_lags_is_read_from_its_own_cursor_and_each_row_is_taken_once() {
        let tracker = tracker();
        hold(&tracker, A, 10);
        hold(&tracker, B, 2);
        assert_eq!(tracker.cursors(), Some((2, 10)));
        assert!(
            tracker.take(partition(B), 12, 10, false).is_none(),
            "the batch does not connect"
        );
        assert!(tracker.take(partition(A), 12, 10, false).is_some());
        tracker.advance(10, 12);
        assert!(tracker.take(partition(A), 12, 2, false).is_none(), "taken before");
        assert!(tracker.take(partition(B), 12, 2, false).is_some());
        tracker.advance(2, 12);
        assert_eq!(tracker.cursors(), Some((12, 12)));
    }

    #[test]
    fn a_row_below_the_cursor_is_taken_only_if_it_fills_a_hole() {
        let tracker = tracker();
        hold(&tracker, A, 0);
        tracker.advance(0, 11);
        assert!(tracker.take(partition(A), 10, 9, false).is_none());
        assert!(tracker.take(partition(A), 10, 9, true).is_some());
    }

    #[test]
    fn an_event_is_done_when_its_last_part_is() {
        let tracker = tracker();
        hold(&tracker, A, 0);
        let ticket = tracker.take(partition(A), 1, 0, false).unwrap();
        ticket.expect(2);
        tracker.advance(0, 1);
        for _ in 0..2 {
            ticket.part_done();
            assert!(tracker.checkpoints(None).is_empty());
        }
        ticket.part_done();
        assert_eq!(tracker.checkpoints(None)[0].position, 1);
        assert_eq!(tracker.in_flight(), 0);
    }

    #[test]
    fn an_ended_hold_neither_takes_rows_nor_moves_a_checkpoint() {
        let tracker = tracker();
        let tenure = hold(&tracker, A, 0);
        tracker.advance(0, 5);
        tenure.end();
        assert!(tracker.take(partition(A), 6, 5, false).is_none());
        assert!(tracker.checkpoints(None).is_empty());
        assert_eq!(tracker.cursors(), None);
    }
}
