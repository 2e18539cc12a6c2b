//! One source's progress within one held partition.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ig_core::id::{Position, SourceId};
use ig_core::lease::Checkpoint;
use ig_core::progress::Progress;
use ig_core::reading::{Reading, Stretch};
use ig_core::stream::Stream;

use super::Resume;
use crate::held_lease::Tenure;

/// A partition that this worker holds.
#[derive(Debug)]
pub(super) struct Held {
    tenure: Arc<Tenure>,
    reading: Reading,
    progress: Progress<Instant>,
    under_way: HashMap<Stream, UnderWay>,
    /// Deliveries that wait beside the first one of each event.
    further: usize,
    recheck_to: Position,
    saved: Position,
    is_closing: bool,
    /// The lowest position that was due and was left to the next holder.
    left: Option<Position>,
}

/// What a stream has under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UnderWay {
    /// Events.
    pub events: usize,
    /// Deliveries that wait beside the first one of each event.
    pub further: usize,
}

impl UnderWay {
    /// What counts towards the stream's share.
    pub(super) fn load(self) -> usize {
        self.events + self.further
    }
}

impl Held {
    pub(super) fn new(tenure: Arc<Tenure>, resume: Resume) -> Self {
        let Resume { checkpoint, recheck_to } = resume;
        Self {
            reading: Reading::resume(tenure.partition(), checkpoint),
            tenure,
            progress: Progress::resume(checkpoint),
            under_way: HashMap::new(),
            further: 0,
            recheck_to,
            saved: checkpoint,
            is_closing: false,
            left: None,
        }
    }

    /// Whether events are taken up.
    pub(super) fn takes_up(&self) -> bool {
        !self.is_closing && self.tenure.holds()
    }

    /// Takes nothing more up.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Leaves an event that is due to the next holder: no checkpoint passes it.
    pub(super) fn leave(&mut self, position: Position) {
        self.left = Some(self.left.map_or(position, |left| left.min(position)));
    }

    pub(super) fn tenure(&self) -> &Arc<Tenure> {
        &self.tenure
    }

    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Events under way, and deliveries that wait beside the first one of each.
    pub(super) fn load(&self) -> usize {
        self.progress.in_flight() + self.further
    }

    /// What a stream has under way.
    pub(super) fn under_way(&self, stream: &Stream) -> UnderWay {
        self.under_way.get(stream).copied().unwrap_or_default()
    }

    /// One more delivery waits.
    pub(super) fn add_delivery(&mut self, stream: &Stream) {
        self.further += 1;
        self.under_way.entry(stream.clone()).or_default().further += 1;
    }

    /// One delivery less waits.
    pub(super) fn remove_delivery(&mut self, stream: &Stream) {
        self.further -= 1;
        self.reduce(stream, |under_way| under_way.further -= 1);
    }

    fn reduce(&mut self, stream: &Stream, by_one: impl FnOnce(&mut UnderWay)) {
        if let Some(under_way) = self.under_way.get_mut(stream) {
            by_one(under_way);
            if under_way.load() == 0 {
                self.under_way.remove(stream);
            }
        }
    }

    /// When the oldest event under way was taken up.
    pub(super) fn oldest(&self) -> Option<&Instant> {
        self.progress.oldest()
    }

    /// Up to here an earlier holder may have decided about events.
    pub(super) fn recheck_to(&self) -> Position {
        self.recheck_to
    }

    /// Whether an earlier holder may have delivered an event.
    pub(super) fn may_be_recorded(&self, position: Position) -> bool {
        position <= self.recheck_to
    }

    /// Takes up an event, unless it is done already or under way.
    pub(super) fn begin(&mut self, stream: &Stream, position: Position) -> bool {
        let is_new = self.progress.begin(position, Instant::now());
        if is_new {
            self.under_way.entry(stream.clone()).or_default().events += 1;
        }
        is_new
    }

    pub(super) fn finish(&mut self, stream: &Stream, position: Position) {
        self.progress.finish(position);
        self.reduce(stream, |under_way| under_way.events -= 1);
    }

    /// Moves the cursors past a stretch, unless its rows were left to the next holder.
    pub(super) fn advance(&mut self, stretch: &Stretch) {
        if self.is_closing {
            return;
        }
        self.reading.advance(stretch);
        self.progress.read_to(self.reading.complete_to());
    }

    pub(super) fn set_apart(&mut self, stream: Stream) {
        self.reading.set_apart(stream);
    }

    pub(super) fn rejoin(&mut self, stream: &Stream) {
        self.reading.rejoin(stream);
        self.progress.read_to(self.reading.complete_to());
    }

    /// The checkpoint, if it moved since it was last saved.
    pub(super) fn checkpoint(&mut self, source: &SourceId, lowest_hole: Option<Position>) -> Option<Checkpoint> {
        let bound = [lowest_hole, self.left].into_iter().flatten().min();
        let position = self.progress.checkpoint(bound);
        (position > self.saved && self.tenure.holds()).then(|| Checkpoint {
            partition: self.tenure.partition(),
            epoch: self.tenure.epoch(),
            source: source.clone(),
            position,
        })
    }

    /// Notes that a checkpoint is stored.
    pub(super) fn saved(&mut self, checkpoint: &Checkpoint) {
        if self.tenure.epoch() == checkpoint.epoch {
            self.saved = self.saved.max(checkpoint.position);
        }
    }
}
