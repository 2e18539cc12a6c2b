//! Rewinds: a person has a source read again, and some of its events may have been left behind.

use std::ops::RangeInclusive;

use crate::clock::Timestamp;
use crate::id::Position;
use crate::lease::READ_SINCE;
use crate::partition::PartitionId;

/// How far a source was done and read at the moment of a rewind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// When it happened.
    pub at: Timestamp,
    /// The table of the source at that time, counted from 0.
    pub table: usize,
    /// The checkpoint of each partition, by its number.
    pub done: Vec<Position>,
    /// The highest position that any worker had reported.
    pub read: Position,
}

impl Rewind {
    /// No worker can have read further.
    fn reach(&self) -> Position {
        self.read.saturating_add(READ_SINCE)
    }

    fn was_done(&self, partition: PartitionId, position: Position) -> bool {
        let done = self.done.get(usize::from(partition.number()));
        done.is_some_and(|done| position <= *done)
    }

    /// The positions that may not have been done, in any partition.
    fn left(&self) -> Option<RangeInclusive<Position>> {
        self.done.iter().min().map(|done| done + 1..=self.reach())
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
    pub fn read(&self) -> Position {
        self.0.iter().map(|rewind| rewind.read).max().unwrap_or(0)
    }

    /// The highest position that may have a decision from before a rewind; 0 where there was none.
    pub fn reach(&self) -> Position {
        self.0.iter().map(Rewind::reach).max().unwrap_or(0)
    }

    /// Whether an event of a table was done before one of the rewinds. A decision made after a rewind, perhaps because of it,
    /// does not count.
    pub fn was_done(&self, table: usize, partition: PartitionId, position: Position, decided_at: Timestamp) -> bool {
        let mut of_table = self.0.iter().filter(|rewind| rewind.table == table && decided_at < rewind.at);
        of_table.any(|rewind| rewind.was_done(partition, position))
    }

    /// The ranges above a position in which events may have been waiting.
    pub fn left_above(&self, position: Position) -> impl Iterator<Item = RangeInclusive<Position>> {
        let left = self.0.iter().filter_map(Rewind::left);
        left.map(move |left| (*left.start()).max(position + 1)..=*left.end())
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
        let rewind = |table, done: [Position; 2], read| Rewind {
            at: at(10),
            table,
            done: done.to_vec(),
            read,
        };
        Rewinds::new(vec![rewind(0, [70, 90], 100), rewind(1, [5, 3], 5)])
    }

    #[test]
    fn a_rewind_knows_an_event_as_done_by_its_partition_and_table() {
        let [zero, one] = [0, 1].map(|number| PartitionId::new(number).unwrap());
        let rewinds = rewinds();
        for (table, partition, position, expected) in [
            (0, zero, 70, true),
            (0, zero, 71, false),
            (0, one, 90, true),
            (1, zero, 5, true),
            (1, one, 4, false),
            (2, one, 1, false),
        ] {
            let was_done = |second| rewinds.was_done(table, partition, position, at(second));
            assert_eq!(
                (was_done(9), was_done(10)),
                (expected, false),
                "{table} {partition:?} {position}"
            );
        }
        assert_eq!((rewinds.read(), rewinds.reach()), (100, 100 + READ_SINCE));
    }

    #[test]
    fn events_that_may_have_waited_lie_above_the_lowest_checkpoint() {
        let left = disjoint(rewinds().left_above(80));
        assert_eq!(left, [81..=100 + READ_SINCE]);
        assert_eq!(disjoint(rewinds().left_above(READ_SINCE + 200)), []);
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
