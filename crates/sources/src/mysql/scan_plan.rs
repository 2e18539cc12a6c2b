//! Plans a skip scan: row counts of a long stretch of a queue, block by block, in total and of the wanted kinds. The server counts, so
//! skipping a million rows takes a thousand short results.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::ports::gaps;
use mysql_async::Row;

use super::row::{self, InvalidPosition};
use super::statements::MAX_RANGES;

/// The row counts of neighbouring ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockCount {
    first: Position,
    last: Position,
    present: u64,
    wanted: u64,
}

impl BlockCount {
    /// Reads the columns in the order of [`super::statements::QueueStatements::count_blocks`].
    pub(super) fn read(row: Row) -> Result<Self, InvalidPosition> {
        let values = row.unwrap();
        let number = |at: usize| values.get(at).and_then(row::integer).map_or(0, i64::unsigned_abs);
        let position = |at: usize| values.get(at).map_or(Ok(0), row::position);
        Ok(Self {
            first: position(0)?,
            last: position(1)?,
            present: number(2),
            wanted: number(3),
        })
    }

    fn range(&self) -> RangeInclusive<Position> {
        self.first..=self.last
    }

    fn has_gaps(&self) -> bool {
        self.last - self.first + 1 > self.present
    }

    /// A row that was not visible when it was counted may appear in a gap.
    fn needs_read(&self) -> bool {
        self.wanted > 0 || self.has_gaps()
    }
}

/// The counted blocks after a position, up to about `limit` wanted rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScanPlan {
    after: Position,
    blocks: Vec<BlockCount>,
}

impl ScanPlan {
    /// Sorts the blocks, and drops those beyond what one read can take.
    pub(super) fn new(after: Position, mut blocks: Vec<BlockCount>, limit: u64) -> Self {
        blocks.sort_unstable_by_key(|block| block.first);
        let (mut wanted, mut ranges) = (0, 0);
        let fits = |block: &&BlockCount| {
            let fits = wanted <= limit && ranges < MAX_RANGES;
            wanted += block.wanted;
            ranges += usize::from(block.needs_read());
            fits
        };
        let blocks = blocks.iter().take_while(fits).copied().collect();
        Self { after, blocks }
    }

    /// The last counted position; `None` where there was no row.
    pub(super) fn read_to(&self) -> Option<Position> {
        self.blocks.last().map(|block| block.last)
    }

    /// The ranges to read row by row.
    pub(super) fn ranges_to_read(&self) -> Vec<RangeInclusive<Position>> {
        let to_read = self.blocks.iter().filter(|block| block.needs_read());
        to_read.map(BlockCount::range).collect()
    }

    /// The ranges whose ids have to be listed.
    pub(super) fn ranges_to_list(&self) -> Vec<RangeInclusive<Position>> {
        self.blocks
            .iter()
            .filter(|block| block.has_gaps())
            .map(BlockCount::range)
            .collect()
    }

    /// The gaps between and within the blocks; `listed` are the ids of blocks with gaps.
    pub(super) fn gaps(&self, listed: &[Position]) -> Vec<RangeInclusive<Position>> {
        let mut all = Vec::new();
        let mut after = self.after;
        for block in &self.blocks {
            all.extend(gaps(after, [block.first]));
            after = block.last;
            if block.has_gaps() {
                let from = listed.partition_point(|id| *id < block.first);
                let to = listed.partition_point(|id| *id <= block.last);
                all.extend(gaps(block.first, listed[from..to].iter().copied()));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(first: Position, last: Position, present: u64, wanted: u64) -> BlockCount {
        BlockCount {
            first,
            last,
            present,
            wanted,
        }
    }

    #[test]
    fn scan_plan_finds_gaps_before_between_and_within_blocks() {
        let plan = ScanPlan::new(
            3,
            vec![block(2_000, 2_004, 3, 0), block(5, 999, 995, 0), block(1_000, 1_998, 999, 0)],
            10,
        );
        assert_eq!(plan.gaps(&[2_000, 2_003, 2_004]), [4..=4, 1_999..=1_999, 2_001..=2_002]);
        assert_eq!(plan.ranges_to_read(), [2_000..=2_004], "a row may turn up there");
        assert_eq!(plan.read_to(), Some(2_004));
    }

    #[test]
    fn scan_plan_ends_where_enough_rows_are_wanted() {
        let plan = ScanPlan::new(
            0,
            vec![
                block(1, 999, 999, 8),
                block(1_000, 1_999, 1_000, 3),
                block(2_000, 2_999, 1_000, 0),
            ],
            10,
        );
        assert_eq!(plan.read_to(), Some(1_999));
        assert_eq!(plan.ranges_to_read(), [1..=999, 1_000..=1_999]);
    }
}
