//! What a source that a person had read again may have left behind.

use std::ops::RangeInclusive;

use crate::clock::Timestamp;
use crate::id::Position;
use crate::lease::READ_SINCE;
use crate::partition::PartitionId;

/// How far a source was done and read when a person had it read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewind {
    /// When that was.
    pub at: Timestamp,
    /// The table that it had then, counted from 0.
    pub table: usize,
    /// Up to where each partition was done, by its number.
    pub done: Vec<Position>,
    /// The highest position that any worker had told of.
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

    /// What may not have been done, whatever its partition.
    fn left(&self) -> Option<RangeInclusive<Position>> {
        self.done.iter().min().map(|done| done + 1..=self.reach())
    }
}

/// All times that a source was read again.
///
/// Checkpoints are moved back then, and what waited is not read again where its table was emptied meanwhile: its decision alone tells of it.
/// What had been done tells of itself in the same way, and nothing is to be made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewinds(Vec<Rewind>);

impl Rewinds {
    /// Of these.
    pub fn new(rewinds: Vec<Rewind>) -> Self {
        Self(rewinds)
    }

    /// The highest position that had been read before any of them; 0 where there was none.
    pub fn read(&self) -> Position {
        self.0.iter().map(|rewind| rewind.read).max().unwrap_or(0)
    }

    /// The highest position at which an event may have been decided about before any of them; 0 where there was none.
    pub fn reach(&self) -> Position {
        self.0.iter().map(Rewind::reach).max().unwrap_or(0)
    }

    /// Whether an event of a table was done already at one of them. What was decided later, perhaps because it was read again, was not.
    pub fn was_done(&self, table: usize, partition: PartitionId, position: Position, decided_at: Timestamp) -> bool {
        let mut of_table = self.0.iter().filter(|rewind| rewind.table == table && decided_at < rewind.at);
        of_table.any(|rewind| rewind.was_done(partition, position))
    }

    /// Where events may have waited above a position.
    pub fn left_above(&self, position: Position) -> impl Iterator<Item = RangeInclusive<Position>> {
        let left = self.0.iter().filter_map(Rewind::left);
        left.map(move |left| (*left.start()).max(position + 1)..=*left.end())
    }
}

/// The same positions as ranges that ascend and do not overlap.
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
    fn an_event_was_done_where_its_partition_was_and_its_table_was_there() {
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
    fn what_may_have_waited_lies_above_the_partition_that_was_least_done() {
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
