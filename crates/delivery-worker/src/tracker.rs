//! What of each source is read, under way and done, by partition.

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

use crate::held_lease::Tenure;

mod admission;
mod partition_progress;
mod ticket;

use partition_progress::Held;

pub(crate) use admission::Offered;
pub(crate) use ticket::{Load, Ticket};

/// A stream with so many events under way has a deep backlog: reading more of it can wait.
const DEEP: usize = 1_000;

/// Where a partition's reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Everything up to here is done.
    pub checkpoint: Position,
    /// Rows up to here may have been delivered by an earlier holder.
    pub recheck_to: Position,
}

/// Where to read on for everything that is not set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursors {
    /// The lowest position from which a held partition has yet to be read.
    pub lowest: Position,
    /// The highest one.
    pub highest: Position,
}

/// Streams that are set apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Apart {
    /// The stream whose turn it is.
    pub lead: Stream,
    /// Streams that go along where their cursors allow.
    pub along: BTreeSet<Stream>,
    /// Where the lead is to be read on.
    pub after: Position,
    /// How far the others of its partition are read.
    pub others: Position,
    /// Whether the lead has so few events under way that it should not wait.
    pub is_short: bool,
}

/// The progress of one source through the partitions that this worker holds.
#[derive(Debug)]
pub(crate) struct Tracker {
    source: SourceId,
    most: usize,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    /// How often a partition has begun.
    begun: AtomicU64,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<PartitionId, Held>,
    /// Rows that were left to a stream that is set apart though they do not name its organisation. Where their entity belongs may
    /// change before their turn comes.
    promised: BTreeMap<Position, Stream>,
}

impl State {
    fn forget_promises(&mut self, partition: PartitionId) {
        self.promised.retain(|_, stream| stream.partition() != partition);
    }
}

impl Tracker {
    /// Nothing is held yet; at most about so many events and deliveries are to be under way.
    pub(crate) fn new(source: SourceId, most: usize) -> Arc<Self> {
        Arc::new(Self {
            source,
            most,
            state: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// Begins a partition where an earlier holder stopped.
    pub(crate) fn hold(&self, tenure: Arc<Tenure>, resume: Resume) {
        let partition = tenure.partition();
        let mut state = self.state.lock();
        state.forget_promises(partition);
        if let Some(old) = state.held.insert(partition, Held::new(tenure, resume)) {
            self.uncount(old.load());
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// How often a partition has begun: what was looked for before the last time was not looked for on its behalf.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Whether a partition has begun under this tenure.
    pub(crate) fn has_begun(&self, tenure: &Tenure) -> bool {
        let state = self.state.lock();
        state
            .held
            .get(&tenure.partition())
            .is_some_and(|held| held.tenure().epoch() == tenure.epoch())
    }

    /// Takes nothing more of a partition up; what is under way goes on.
    pub(crate) fn close(&self, partition: PartitionId) {
        if let Some(held) = self.state.lock().held.get_mut(&partition) {
            held.close();
        }
    }

    /// Forgets a partition; tickets of that hold count for nothing from here on.
    pub(crate) fn drop_partition(&self, partition: PartitionId) {
        let mut state = self.state.lock();
        state.forget_promises(partition);
        if let Some(old) = state.held.remove(&partition) {
            self.uncount(old.load());
        }
        self.changed.notify_waiters();
    }

    /// Where to read on.
    pub(crate) fn cursors(&self) -> Option<Cursors> {
        let state = self.state.lock();
        let held = state.held.values().filter(|held| held.takes_up());
        let all: Vec<_> = held.map(|held| held.reading().read_to()).collect();
        let (lowest, highest) = (all.iter().min()?, all.iter().max()?);
        Some(Cursors {
            lowest: *lowest,
            highest: *highest,
        })
    }

    /// The highest position that was read.
    pub(crate) fn read_to(&self) -> Position {
        let state = self.state.lock();
        state.held.values().map(|held| held.reading().read_to()).max().unwrap_or(0)
    }

    /// The highest position at which an earlier holder may have decided about an event.
    pub(crate) fn recheck_to(&self) -> Position {
        let state = self.state.lock();
        state.held.values().map(Held::recheck_to).max().unwrap_or(0)
    }

    /// Up to here every visible row of the held partitions was taken up.
    pub(crate) fn complete_to(&self) -> Option<Position> {
        let state = self.state.lock();
        let held = state.held.values().filter(|held| held.tenure().holds());
        held.map(|held| held.reading().complete_to()).min()
    }

    /// The streams that are to be read on for next, of those that are set apart and may have more events under way: the one with the
    /// fewest leads, and those that do not have much more go along, so that streams that lie mixed are read together.
    pub(crate) fn most_urgent(&self) -> Option<Apart> {
        let share = self.share();
        let state = self.state.lock();
        let held = state.held.values().filter(|held| held.takes_up());
        let apart = held.flat_map(|held| {
            let streams = held.reading().apart();
            streams.map(move |(stream, after)| (held.under_way(stream), stream, after, held.reading().read_to()))
        });
        let ready: Vec<_> = apart.filter(|(under_way, ..)| under_way.load() <= share).collect();
        let (fewest, lead, after, others) = *ready
            .iter()
            .min_by_key(|(under_way, stream, ..)| (under_way.events, *stream))?;
        let along = ready.iter().filter(|(under_way, ..)| under_way.events < 2 * DEEP);
        Some(Apart {
            lead: lead.clone(),
            along: along.map(|(_, stream, ..)| (*stream).clone()).collect(),
            after,
            others,
            is_short: fewest.events < DEEP,
        })
    }

    /// Ends a stream's being apart when nothing is visible behind its cursor.
    pub(crate) fn rejoin(&self, stream: &Stream) {
        let mut state = self.state.lock();
        if let Some(held) = state.held.get_mut(&stream.partition()) {
            held.rejoin(stream);
        }
        state.promised.retain(|_, promised| promised != stream);
    }

    /// What one stream may have under way: a quarter of what is free, so that something stays free for one that has just begun.
    fn share(&self) -> usize {
        self.most.saturating_sub(self.in_flight()) / 4
    }

    /// The checkpoints that moved since they were last saved.
    pub(crate) fn checkpoints(&self, lowest_hole: Option<Position>) -> Vec<Checkpoint> {
        let mut state = self.state.lock();
        let moved = state
            .held
            .values_mut()
            .filter_map(|held| held.checkpoint(&self.source, lowest_hole));
        moved.collect()
    }

    /// Notes that a checkpoint is stored.
    pub(crate) fn saved(&self, checkpoint: &Checkpoint) {
        if let Some(held) = self.state.lock().held.get_mut(&checkpoint.partition) {
            held.saved(checkpoint);
        }
    }

    /// How many events are under way in all, and deliveries beside the first one of each.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many streams are set apart.
    pub(crate) fn apart(&self) -> usize {
        let state = self.state.lock();
        state.held.values().map(|held| held.reading().apart().count()).sum()
    }

    /// For how long the oldest event has been under way.
    pub(crate) fn oldest_age(&self) -> Duration {
        let state = self.state.lock();
        let oldest = state.held.values().filter_map(Held::oldest).min();
        oldest.map_or(Duration::ZERO, std::time::Instant::elapsed)
    }

    /// Waits until there is room for more events, or a moment has passed; says whether it had to wait.
    pub(crate) async fn room(&self) -> bool {
        let changed = self.changed.notified();
        let is_full = self.in_flight() >= self.most;
        if is_full {
            let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
        }
        is_full
    }

    fn finish(&self, tenure: &Tenure, stream: &Stream, position: Position) {
        let mut state = self.state.lock();
        let held = state.held.get_mut(&tenure.partition());
        if let Some(held) = held.filter(|held| held.tenure().epoch() == tenure.epoch()) {
            held.finish(stream, position);
            self.uncount(1);
        }
    }

    fn load(&self, tenure: &Tenure, stream: &Stream) {
        let mut state = self.state.lock();
        let held = state.held.get_mut(&tenure.partition());
        if let Some(held) = held.filter(|held| held.tenure().epoch() == tenure.epoch()) {
            held.add_delivery(stream);
            self.in_flight.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unload(&self, tenure: &Tenure, stream: &Stream) {
        let mut state = self.state.lock();
        let held = state.held.get_mut(&tenure.partition());
        if let Some(held) = held.filter(|held| held.tenure().epoch() == tenure.epoch()) {
            held.remove_delivery(stream);
            self.uncount(1);
        }
    }

    fn uncount(&self, load: usize) {
        self.in_flight.fetch_sub(load, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
