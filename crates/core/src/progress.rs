//! A partition's progress: its oldest unfinished event holds the checkpoint back.

use std::collections::BTreeMap;

use crate::id::Position;

/// The progress of one partition through one source, with a note on each event in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<N> {
    checkpoint: Position,
    read_to: Position,
    in_flight: BTreeMap<Position, N>,
}

impl<N> Progress<N> {
    /// Resumes at the checkpoint of an earlier holder.
    pub fn resume(checkpoint: Position) -> Self {
        Self {
            checkpoint,
            read_to: checkpoint,
            in_flight: BTreeMap::new(),
        }
    }

    /// Starts an event, unless it is done or in flight already.
    pub fn begin(&mut self, position: Position, note: N) -> bool {
        let is_new = position > self.checkpoint && !self.in_flight.contains_key(&position);
        if is_new {
            self.in_flight.insert(position, note);
        }
        is_new
    }

    /// Marks an event as done: everything about it is durable.
    pub fn finish(&mut self, position: Position) {
        self.in_flight.remove(&position);
    }

    /// Records that every visible row up to here was read.
    pub fn read_to(&mut self, position: Position) {
        self.read_to = self.read_to.max(position);
    }

    /// The note on the oldest event in flight.
    pub fn oldest(&self) -> Option<&N> {
        self.in_flight.values().next()
    }

    /// The number of events in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The checkpoint: everything up to it is done, and no gap at or below it is still watched. It never moves back.
    pub fn checkpoint(&mut self, lowest_gap: Option<Position>) -> Position {
        let oldest = self.in_flight.keys().next().copied();
        let bound = [oldest, lowest_gap].into_iter().flatten().min();
        let reached = bound.map_or(self.read_to, |position| self.read_to.min(position.saturating_sub(1)));
        self.checkpoint = self.checkpoint.max(reached);
        self.checkpoint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_checkpoint_never_passes_an_unfinished_event_and_never_moves_back(
            done in proptest::collection::vec(1u64..200, 0..300), holes in proptest::collection::vec(proptest::option::of(1u64..200), 300)
        ) {
            let mut progress = Progress::resume(0);
            (1..200).for_each(|position| assert!(progress.begin(position, ())));
            progress.read_to(199);
            let mut finished = BTreeSet::new();
            let mut last = 0;
            for (position, hole) in done.into_iter().zip(holes) {
                progress.finish(position);
                finished.insert(position);
                let checkpoint = progress.checkpoint(hole);
                prop_assert!(checkpoint >= last);
                prop_assert!((1..=checkpoint).all(|below| finished.contains(&below)));
                prop_assert!(checkpoint == last || hole.is_none_or(|hole| checkpoint < hole));
                last = checkpoint;
            }
        }
    }

    #[test]
    fn the_checkpoint_is_what_was_read_when_nothing_is_in_flight() {
        let mut progress = Progress::resume(10);
        assert!(!progress.begin(10, ()), "done by an earlier holder");
        assert!(progress.begin(11, ()));
        assert!(!progress.begin(11, ()), "under way already");
        progress.read_to(20);
        assert_eq!(progress.checkpoint(None), 10);
        progress.finish(11);
        assert_eq!(progress.checkpoint(Some(15)), 14);
        assert_eq!(progress.checkpoint(None), 20);
    }
}
