//! What is read, in flight and done of one source, by partition.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ig_core::id::{Position, SourceId};
use ig_core::lease::Checkpoint;
use ig_core::partition::PartitionId;
use ig_core::stream::Stream;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::local_lease::LocalLease;

mod admission;
mod partition_progress;
mod ticket;

use partition_progress::PartitionProgress;

pub(crate) use admission::CandidateRow;
pub(crate) use ticket::{ExtraDelivery, Ticket};

/// A stream with this many events in flight has a deep backlog: reading more of it can wait.
const DEEP_BACKLOG_EVENTS: usize = 1_000;

/// Where reading of a partition resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResumePoint {
    /// Everything up to here is done.
    pub checkpoint: Position,
    /// An earlier holder may have delivered rows up to here.
    pub recheck_to: Position,
}

/// Where to read on for all streams that are not deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursors {
    /// The lowest cursor of a held partition.
    pub lowest: Position,
    /// The highest cursor of a held partition.
    pub highest: Position,
}

/// Which of the deferred streams to read on next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BacklogRead {
    /// The stream with the fewest events in flight.
    pub lead: Stream,
    /// Streams that are read along where their cursors allow.
    pub companions: BTreeSet<Stream>,
    /// The lead's cursor.
    pub after: Position,
    /// How far the rest of its partition is read.
    pub shared_read_to: Position,
    /// Whether the lead has so few events in flight that it should not wait.
    pub is_shallow: bool,
}

/// The progress of one source through the partitions that this worker holds.
#[derive(Debug)]
pub(crate) struct Tracker {
    source: SourceId,
    max_in_flight: usize,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    /// How often a partition was started.
    start_count: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    partitions: HashMap<PartitionId, PartitionProgress>,
    /// Rows left to a deferred stream, although they do not name its organisation. The organisation of their entity may change before they
    /// are read again.
    deferred_rows: BTreeMap<Position, Stream>,
}

impl State {
    fn forget_deferred_rows(&mut self, partition: PartitionId) {
        self.deferred_rows.retain(|_, stream| stream.partition() != partition);
    }
}

impl Tracker {
    /// A tracker without partitions, for at most about `max_in_flight` events and deliveries.
    pub(crate) fn new(source: SourceId, max_in_flight: usize) -> Arc<Self> {
        Arc::new(Self {
            source,
            max_in_flight,
            state: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            start_count: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// Starts a partition where its earlier holder stopped.
    pub(crate) fn start_partition(&self, lease: Arc<LocalLease>, resume_point: ResumePoint) {
        let partition = lease.partition();
        let mut state = self.state.lock();
        state.forget_deferred_rows(partition);
        if let Some(old) = state
            .partitions
            .insert(partition, PartitionProgress::new(lease, resume_point))
        {
            self.subtract_in_flight(old.in_flight());
        }
        self.start_count.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// How often a partition was started: checks made before the last start did not cover that partition.
    pub(crate) fn start_count(&self) -> u64 {
        self.start_count.load(Ordering::Acquire)
    }

    /// Whether a partition was started under this lease.
    pub(crate) fn has_started(&self, lease: &LocalLease) -> bool {
        let state = self.state.lock();
        state
            .partitions
            .get(&lease.partition())
            .is_some_and(|progress| progress.lease().epoch() == lease.epoch())
    }

    /// Admits nothing more in a partition; events in flight go on.
    pub(crate) fn close_partition(&self, partition: PartitionId) {
        if let Some(progress) = self.state.lock().partitions.get_mut(&partition) {
            progress.close();
        }
    }

    /// Drops a partition; its tickets have no effect from here on.
    pub(crate) fn drop_partition(&self, partition: PartitionId) {
        let mut state = self.state.lock();
        state.forget_deferred_rows(partition);
        if let Some(old) = state.partitions.remove(&partition) {
            self.subtract_in_flight(old.in_flight());
        }
        self.changed.notify_waiters();
    }

    /// Where to read on next.
    pub(crate) fn cursors(&self) -> Option<Cursors> {
        let state = self.state.lock();
        let partitions = state.partitions.values().filter(|progress| progress.is_admitting());
        let all: Vec<_> = partitions.map(|progress| progress.cursors().read_to()).collect();
        let (lowest, highest) = (all.iter().min()?, all.iter().max()?);
        Some(Cursors {
            lowest: *lowest,
            highest: *highest,
        })
    }

    /// The highest position read.
    pub(crate) fn read_to(&self) -> Position {
        let state = self.state.lock();
        state
            .partitions
            .values()
            .map(|progress| progress.cursors().read_to())
            .max()
            .unwrap_or(0)
    }

    /// The highest position at which an earlier holder may have decided about an event.
    pub(crate) fn recheck_to(&self) -> Position {
        let state = self.state.lock();
        state
            .partitions
            .values()
            .map(PartitionProgress::recheck_to)
            .max()
            .unwrap_or(0)
    }

    /// Up to here every visible row of the held partitions was admitted.
    pub(crate) fn complete_to(&self) -> Option<Position> {
        let state = self.state.lock();
        let partitions = state.partitions.values().filter(|progress| progress.lease().is_valid());
        partitions.map(|progress| progress.cursors().complete_to()).min()
    }

    /// Which streams to read on next, of those that are deferred and below their limit: the one with the fewest events in flight leads,
    /// and those with few more go along, so that streams whose rows alternate are read together.
    pub(crate) fn next_backlog(&self) -> Option<BacklogRead> {
        let limit = self.stream_limit();
        let state = self.state.lock();
        let partitions = state.partitions.values().filter(|progress| progress.is_admitting());
        let deferred = partitions.flat_map(|progress| {
            let streams = progress.cursors().deferred();
            streams.map(move |(stream, after)| (progress.stream_load(stream), stream, after, progress.cursors().read_to()))
        });
        let ready: Vec<_> = deferred.filter(|(load, ..)| load.total() <= limit).collect();
        let (fewest, lead, after, shared_read_to) = *ready.iter().min_by_key(|(load, stream, ..)| (load.events, *stream))?;
        let companions = ready.iter().filter(|(load, ..)| load.events < 2 * DEEP_BACKLOG_EVENTS);
        Some(BacklogRead {
            lead: lead.clone(),
            companions: companions.map(|(_, stream, ..)| (*stream).clone()).collect(),
            after,
            shared_read_to,
            is_shallow: fewest.events < DEEP_BACKLOG_EVENTS,
        })
    }

    /// Returns a stream to the shared cursor once no row is visible behind its own.
    pub(crate) fn rejoin(&self, stream: &Stream) {
        let mut state = self.state.lock();
        if let Some(progress) = state.partitions.get_mut(&stream.partition()) {
            progress.rejoin(stream);
        }
        state.deferred_rows.retain(|_, row_stream| row_stream != stream);
    }

    /// What one stream may have in flight: a quarter of what is free, so that some capacity is left for a stream that has just begun.
    fn stream_limit(&self) -> usize {
        self.max_in_flight.saturating_sub(self.in_flight()) / 4
    }

    /// The checkpoints that moved since they were last saved.
    pub(crate) fn checkpoints(&self, lowest_gap: Option<Position>) -> Vec<Checkpoint> {
        let mut state = self.state.lock();
        let moved = state
            .partitions
            .values_mut()
            .filter_map(|progress| progress.checkpoint(&self.source, lowest_gap));
        moved.collect()
    }

    /// Notes that a checkpoint is stored.
    pub(crate) fn mark_saved(&self, checkpoint: &Checkpoint) {
        if let Some(progress) = self.state.lock().partitions.get_mut(&checkpoint.partition) {
            progress.mark_saved(checkpoint);
        }
    }

    /// Events in flight, and deliveries beyond the first of each.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many streams are deferred.
    pub(crate) fn deferred_count(&self) -> usize {
        let state = self.state.lock();
        state
            .partitions
            .values()
            .map(|progress| progress.cursors().deferred().count())
            .sum()
    }

    /// How long the oldest event has been in flight.
    pub(crate) fn oldest_age(&self) -> Duration {
        let state = self.state.lock();
        let oldest = state.partitions.values().filter_map(PartitionProgress::oldest).min();
        oldest.map_or(Duration::ZERO, std::time::Instant::elapsed)
    }

    /// Waits until there is capacity for more events, or a moment has passed; returns whether it had to wait.
    pub(crate) async fn wait_for_capacity(&self) -> bool {
        let changed = self.changed.notified();
        let is_full = self.in_flight() >= self.max_in_flight;
        if is_full {
            let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
        }
        is_full
    }

    fn finish(&self, lease: &LocalLease, stream: &Stream, position: Position) {
        let mut state = self.state.lock();
        let progress = state.partitions.get_mut(&lease.partition());
        if let Some(progress) = progress.filter(|progress| progress.lease().epoch() == lease.epoch()) {
            progress.finish(stream, position);
            self.subtract_in_flight(1);
        }
    }

    fn add_delivery(&self, lease: &LocalLease, stream: &Stream) {
        let mut state = self.state.lock();
        let progress = state.partitions.get_mut(&lease.partition());
        if let Some(progress) = progress.filter(|progress| progress.lease().epoch() == lease.epoch()) {
            progress.add_delivery(stream);
            self.in_flight.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn remove_delivery(&self, lease: &LocalLease, stream: &Stream) {
        let mut state = self.state.lock();
        let progress = state.partitions.get_mut(&lease.partition());
        if let Some(progress) = progress.filter(|progress| progress.lease().epoch() == lease.epoch()) {
            progress.remove_delivery(stream);
            self.subtract_in_flight(1);
        }
    }

    fn subtract_in_flight(&self, load: usize) {
        self.in_flight.fetch_sub(load, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
