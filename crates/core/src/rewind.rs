//! Rewinds: a person has a source read again, and some of its events may have been left behind.

use std::ops::RangeInclusive;

use crate::clock::Timestamp;
use crate::id::Position;
use crate::lease::MAX_UNSAVED_READ;
use crate::partition::PartitionId;

/// How far a source was done and read at the moment of a rewind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// When it happened.
    pub at: Timestamp,
    /// The generation of the source at that time, counted from 0.
    pub generation: usize,
    /// The checkpoint of each partition, by its number.
    pub checkpoints: Vec<Position>,
    /// The highest position that any worker had reported.
    pub highest_read: Position,
}

impl Rewind {
    /// No worker can have read further.
    fn max_possible_read(&self) -> Position {
        self.highest_read.saturating_add(MAX_UNSAVED_READ)
    }

    fn was_done(&self, partition: PartitionId, position: Position) -> bool {
        let checkpoint = self.checkpoints.get(usize::from(partition.number()));
        checkpoint.is_some_and(|checkpoint| position <= *checkpoint)
    }

    /// The positions that may not have been done, in any partition.
    fn possibly_unfinished(&self) -> Option<RangeInclusive<Position>> {
        self.checkpoints
            .iter()
            .min()
            .map(|checkpoint| checkpoint + 1..=self.max_possible_read())
    }
}

/// All rewinds of a source.
///
/// A rewind moves checkpoints back. An event that was waiting is not read again if its table was emptied meanwhile: only its
/// decision remains. A finished event leaves the same trace and must be left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewinds(Vec<Rewind>);

impl Rewinds {
    /// Collects rewinds.
    pub fn new(rewinds: Vec<Rewind>) -> Self {
        Self(rewinds)
    }

    /// The highest position read before any rewind; 0 where there was none.
    pub fn highest_read(&self) -> Position {
        self.0.iter().map(|rewind| rewind.highest_read).max().unwrap_or(0)
    }

    /// The highest position that may have a decision from before a rewind; 0 where there was none.
    pub fn max_possible_read(&self) -> Position {
        self.0.iter().map(Rewind::max_possible_read).max().unwrap_or(0)
    }

    /// Whether an event of a generation was done before one of the rewinds. A decision made after a rewind, perhaps because of it,
    /// does not count.
    pub fn was_done(&self, generation: usize, partition: PartitionId, position: Position, decided_at: Timestamp) -> bool {
        let mut of_generation = self
            .0
            .iter()
            .filter(|rewind| rewind.generation == generation && decided_at < rewind.at);
        of_generation.any(|rewind| rewind.was_done(partition, position))
    }

    /// The ranges above a position in which events may have been waiting.
    pub fn possibly_unfinished_above(&self, position: Position) -> impl Iterator<Item = RangeInclusive<Position>> {
        let unfinished = self.0.iter().filter_map(Rewind::possibly_unfinished);
        unfinished.map(move |range| (*range.start()).max(position + 1)..=*range.end())
    }
}

/// Merges ranges into ascending, disjoint ones.
pub fn disjoint(ranges: impl IntoIterator<Item = RangeInclusive<Position>>) -> Vec<RangeInclusive<Position>> {
    let mut ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut disjoint: Vec<RangeInclusive<Position>> = Vec::new();
    for range in ranges {
        match disjoint.last_mut() {
            Some(last) if range.start() <= last.end() => *last = *last.start()..=*last.end().max(range.end()),
            _ => disjoint.push(range),
        }
    }
    disjoint
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn rewinds() -> Rewinds {
        let rewind = |generation, checkpoints: [Position; 2], highest_read| Rewind {
            at: at(10),
            generation,
            checkpoints: checkpoints.to_vec(),
            highest_read,
        };
        Rewinds::new(vec![rewind(0, [70, 90], 100), rewind(1, [5, 3], 5)])
    }

    #[test]
    fn a_rewind_knows_an_event_as_done_by_its_partition_and_generation() {
        let [zero, one] = [0, 1].map(|number| PartitionId::new(number).unwrap());
        let rewinds = rewinds();
        for (generation, partition, position, expected) in [
            (0, zero, 70, true),
            (0, zero, 71, false),
            (0, one, 90, true),
            (1, zero, 5, true),
            (1, one, 4, false),
            (2, one, 1, false),
        ] {
            let was_done = |second| rewinds.was_done(generation, partition, position, at(second));
            assert_eq!(
                (was_done(9), was_done(10)),
                (expected, false),
                "{generation} {partition:?} {position}"
            );
        }
        assert_eq!(
            (rewinds.highest_read(), rewinds.max_possible_read()),
            (100, 100 + MAX_UNSAVED_READ)
        );
    }

    #[test]
    fn events_that_may_have_waited_lie_above_the_lowest_checkpoint() {
        let unfinished = disjoint(rewinds().possibly_unfinished_above(80));
        assert_eq!(unfinished, [81..=100 + MAX_UNSAVED_READ]);
        assert_eq!(disjoint(rewinds().possibly_unfinished_above(MAX_UNSAVED_READ + 200)), []);
    }

    proptest! {
        #[test]
        fn disjoint_ranges_have_the_same_members(ranges in prop::collection::vec((0_u64..60, 0_u64..60), 0..8)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(start, end)| start..=end).collect();
            let disjoint = disjoint(ranges.clone());
            let members = |ranges: &[RangeInclusive<u64>]| ranges.iter().cloned().flatten().collect::<BTreeSet<_>>();
            prop_assert_eq!(members(&ranges), members(&disjoint));
            prop_assert!(disjoint.windows(2).all(|pair| pair[0].end() < pair[1].start()));
        }
    }
}
