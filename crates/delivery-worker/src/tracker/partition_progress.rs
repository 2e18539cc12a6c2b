//! One source's progress within one held partition.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ig_core::id::{Position, SourceId};
use ig_core::lease::Checkpoint;
use ig_core::progress::Progress;
use ig_core::read_cursors::{ReadCursors, ReadRange};
use ig_core::stream::Stream;

use super::ResumePoint;
use crate::local_lease::LocalLease;

/// The progress of a partition that this worker holds.
#[derive(Debug)]
pub(super) struct PartitionProgress {
    lease: Arc<LocalLease>,
    cursors: ReadCursors,
    progress: Progress<Instant>,
    loads: HashMap<Stream, StreamLoad>,
    /// Deliveries beyond the first of each event.
    extra_deliveries: usize,
    recheck_to: Position,
    saved_checkpoint: Position,
    is_closing: bool,
    /// The lowest due position that was left to the next holder.
    lowest_unadmitted: Option<Position>,
}

/// What a stream has in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StreamLoad {
    pub events: usize,
    /// Deliveries beyond the first of each event.
    pub extra_deliveries: usize,
}

impl StreamLoad {
    /// What counts towards the stream's limit.
    pub(super) fn total(self) -> usize {
        self.events + self.extra_deliveries
    }
}

impl PartitionProgress {
    pub(super) fn new(lease: Arc<LocalLease>, resume_point: ResumePoint) -> Self {
        let ResumePoint { checkpoint, recheck_to } = resume_point;
        Self {
            cursors: ReadCursors::resume(lease.partition(), checkpoint),
            lease,
            progress: Progress::resume(checkpoint),
            loads: HashMap::new(),
            extra_deliveries: 0,
            recheck_to,
            saved_checkpoint: checkpoint,
            is_closing: false,
            lowest_unadmitted: None,
        }
    }

    /// Whether events are admitted.
    pub(super) fn is_admitting(&self) -> bool {
        !self.is_closing && self.lease.is_valid()
    }

    /// Admits nothing more.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Leaves a due event to the next holder: no checkpoint passes it.
    pub(super) fn leave_to_next_holder(&mut self, position: Position) {
        self.lowest_unadmitted = Some(self.lowest_unadmitted.map_or(position, |lowest| lowest.min(position)));
    }

    pub(super) fn lease(&self) -> &Arc<LocalLease> {
        &self.lease
    }

    pub(super) fn cursors(&self) -> &ReadCursors {
        &self.cursors
    }

    /// Events in flight, and deliveries beyond the first of each.
    pub(super) fn in_flight(&self) -> usize {
        self.progress.in_flight() + self.extra_deliveries
    }

    /// What a stream has in flight.
    pub(super) fn stream_load(&self, stream: &Stream) -> StreamLoad {
        self.loads.get(stream).copied().unwrap_or_default()
    }

    /// Adds a waiting delivery.
    pub(super) fn add_delivery(&mut self, stream: &Stream) {
        self.extra_deliveries += 1;
        self.loads.entry(stream.clone()).or_default().extra_deliveries += 1;
    }

    /// Removes a waiting delivery.
    pub(super) fn remove_delivery(&mut self, stream: &Stream) {
        self.extra_deliveries -= 1;
        self.reduce(stream, |load| load.extra_deliveries -= 1);
    }

    fn reduce(&mut self, stream: &Stream, by_one: impl FnOnce(&mut StreamLoad)) {
        if let Some(load) = self.loads.get_mut(stream) {
            by_one(load);
            if load.total() == 0 {
                self.loads.remove(stream);
            }
        }
    }

    /// When the oldest event in flight was admitted.
    pub(super) fn oldest(&self) -> Option<&Instant> {
        self.progress.oldest()
    }

    /// An earlier holder may have decided about events up to here.
    pub(super) fn recheck_to(&self) -> Position {
        self.recheck_to
    }

    /// Whether an earlier holder may have delivered an event.
    pub(super) fn may_be_recorded(&self, position: Position) -> bool {
        position <= self.recheck_to
    }

    /// Admits an event, unless it is done or in flight.
    pub(super) fn begin(&mut self, stream: &Stream, position: Position) -> bool {
        let is_new = self.progress.begin(position, Instant::now());
        if is_new {
            self.loads.entry(stream.clone()).or_default().events += 1;
        }
        is_new
    }

    pub(super) fn finish(&mut self, stream: &Stream, position: Position) {
        self.progress.finish(position);
        self.reduce(stream, |load| load.events -= 1);
    }

    /// Moves the cursors past a range, unless its rows were left to the next holder.
    pub(super) fn advance(&mut self, range: &ReadRange) {
        if self.is_closing {
            return;
        }
        self.cursors.advance(range);
        self.progress.read_to(self.cursors.complete_to());
    }

    /// Gives a stream a cursor of its own.
    pub(super) fn defer(&mut self, stream: Stream) {
        self.cursors.defer(stream);
    }

    pub(super) fn rejoin(&mut self, stream: &Stream) {
        self.cursors.rejoin(stream);
        self.progress.read_to(self.cursors.complete_to());
    }

    /// The checkpoint, if it moved since it was last saved.
    pub(super) fn checkpoint(&mut self, source: &SourceId, lowest_gap: Option<Position>) -> Option<Checkpoint> {
        let bound = [lowest_gap, self.lowest_unadmitted].into_iter().flatten().min();
        let position = self.progress.checkpoint(bound);
        (position > self.saved_checkpoint && self.lease.is_valid()).then(|| Checkpoint {
            partition: self.lease.partition(),
            epoch: self.lease.epoch(),
            source: source.clone(),
            position,
        })
    }

    /// Notes that a checkpoint is stored.
    pub(super) fn mark_saved(&mut self, checkpoint: &Checkpoint) {
        if self.lease.epoch() == checkpoint.epoch {
            self.saved_checkpoint = self.saved_checkpoint.max(checkpoint.position);
        }
    }
}
