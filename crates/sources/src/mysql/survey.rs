//! A long stretch of a queue at a glance: how many rows there are, block by block, and how many of them are of other kinds than those
//! that are to be passed. The server counts, so a million rows that are to be passed cost a thousand short answers.

use std::ops::RangeInclusive;

use ig_core::id::Position;
use ig_core::ports::gaps;
use mysql_async::Row;

use super::row::{self, NoPosition};
use super::statements::MOST_RANGES;

/// The rows with neighbouring ids that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    first: Position,
    last: Position,
    present: u64,
    wanted: u64,
}

impl Block {
    /// Reads the columns in the order of [`super::statements::QueueStatements::survey`].
    pub(super) fn read(row: Row) -> Result<Self, NoPosition> {
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

    /// A row that is not counted yet may turn up where there is a gap.
    fn is_to_be_read(&self) -> bool {
        self.wanted > 0 || self.has_gaps()
    }
}

/// What was counted behind a position: as many blocks as have about so many wanted rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Survey {
    after: Position,
    blocks: Vec<Block>,
}

impl Survey {
    /// Sorts the blocks, and leaves for later what is too much to be read at once.
    pub(super) fn new(after: Position, mut blocks: Vec<Block>, limit: u64) -> Self {
        blocks.sort_unstable_by_key(|block| block.first);
        let (mut wanted, mut ranges) = (0, 0);
        let fits = |block: &&Block| {
            let fits = wanted <= limit && ranges < MOST_RANGES;
            wanted += block.wanted;
            ranges += usize::from(block.is_to_be_read());
            fits
        };
        let blocks = blocks.iter().take_while(fits).copied().collect();
        Self { after, blocks }
    }

    /// The last position that was counted; nothing when there was no row.
    pub(super) fn read_to(&self) -> Option<Position> {
        self.blocks.last().map(|block| block.last)
    }

    /// What has to be read row by row.
    pub(super) fn to_read(&self) -> Vec<RangeInclusive<Position>> {
        let to_read = self.blocks.iter().filter(|block| block.is_to_be_read());
        to_read.map(Block::range).collect()
    }

    /// Where ids have to be listed.
    pub(super) fn to_list(&self) -> Vec<RangeInclusive<Position>> {
        self.blocks
            .iter()
            .filter(|block| block.has_gaps())
            .map(Block::range)
            .collect()
    }

    /// The gaps between and within the blocks, given the ids in those that have some.
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

    fn block(first: Position, last: Position, present: u64, wanted: u64) -> Block {
        Block {
            first,
            last,
            present,
            wanted,
        }
    }

    #[test]
    fn gaps_are_found_before_between_and_within_blocks() {
        let survey = Survey::new(
            3,
            vec![block(2_000, 2_004, 3, 0), block(5, 999, 995, 0), block(1_000, 1_998, 999, 0)],
            10,
        );
        assert_eq!(survey.gaps(&[2_000, 2_003, 2_004]), [4..=4, 1_999..=1_999, 2_001..=2_002]);
        assert_eq!(survey.to_read(), [2_000..=2_004], "a row may turn up there");
        assert_eq!(survey.read_to(), Some(2_004));
    }

    #[test]
    fn it_ends_where_enough_is_wanted() {
        let survey = Survey::new(
            0,
            vec![
                block(1, 999, 999, 8),
                block(1_000, 1_999, 1_000, 3),
                block(2_000, 2_999, 1_000, 0),
            ],
            10,
        );
        assert_eq!(survey.read_to(), Some(1_999));
        assert_eq!(survey.to_read(), [1..=999, 1_000..=1_999]);
    }
}
