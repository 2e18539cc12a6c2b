//! How a cursor gets past rows that are not to be taken now.
//!
//! As long as most of what it reads is taken up, it reads row by row. When most of a full batch is not (it belongs to streams that are
//! set apart, or to partitions that others hold), it goes on in ever longer strides past rows of those kinds, and falls back to reading
//! row by row where strides gain nothing.

use std::collections::{BTreeSet, HashMap};

use ig_core::id::Position;
use ig_core::stream::{RowKind, Stream};

const SHORTEST: u64 = 65_536;
const LONGEST: u64 = 1_048_576;
/// A stride that gains less than this many positions is no better than reading.
const GAIN: u64 = 8_192;
/// The most kinds that are passed at a time.
const MOST_KINDS: usize = 256;

/// The stride of one cursor.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Stride {
    span: u64,
    kinds: Vec<RowKind>,
}

impl Stride {
    /// How far to go at once and what to pass; nothing while rows are read one by one.
    pub(crate) fn plan(&self) -> Option<(u64, &[RowKind])> {
        (self.span > 0).then_some((self.span, &self.kinds))
    }

    /// Learns from a full batch of so many rows, given the kinds of those that were not taken up.
    pub(crate) fn learn(&mut self, rows: usize, untaken: impl IntoIterator<Item = RowKind>, wanted: &BTreeSet<Stream>) {
        let mut counts: HashMap<RowKind, usize> = HashMap::new();
        for kind in untaken {
            *counts.entry(kind).or_default() += 1;
        }
        counts.retain(|kind, _| !wanted.contains(&kind.stream()));
        let mut kinds: Vec<_> = counts.into_iter().collect();
        kinds.sort_unstable_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
        kinds.truncate(MOST_KINDS);
        let passed: usize = kinds.iter().map(|(_, count)| count).sum();
        if passed * 2 > rows {
            self.span = SHORTEST;
            self.kinds = kinds.into_iter().map(|(kind, _)| kind).collect();
        }
    }

    /// Learns from a stride that gained so many positions.
    pub(crate) fn gained(&mut self, positions: Position) {
        self.span = match positions {
            0..GAIN => 0,
            _ if positions + GAIN > self.span => (self.span * 4).min(LONGEST),
            _ => (positions * 2).clamp(SHORTEST, LONGEST),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(org: i64) -> RowKind {
        RowKind {
            parent_rid: org,
            event_type: "lab".to_owned(),
        }
    }

    #[test]
    fn it_strides_past_what_floods_and_reads_again_when_strides_gain_nothing() {
        let mut stride = Stride::default();
        stride.learn(1_000, vec![kind(1); 400], &BTreeSet::new());
        assert_eq!(stride.plan(), None, "most of it was taken up");
        let flood = [vec![kind(1); 400], vec![kind(2); 500], vec![kind(3); 2]].concat();
        stride.learn(1_000, flood, &BTreeSet::new());
        assert_eq!(stride.plan(), Some((SHORTEST, &[kind(2), kind(1), kind(3)][..])));
        stride.gained(SHORTEST);
        stride.gained(SHORTEST * 4);
        assert_eq!(stride.plan().unwrap().0, LONGEST);
        stride.gained(100_000);
        assert_eq!(stride.plan().unwrap().0, 200_000);
        stride.gained(10);
        assert_eq!(stride.plan(), None);
    }

    #[test]
    fn a_stream_that_is_read_for_is_never_passed() {
        let mut stride = Stride::default();
        stride.learn(10, vec![kind(1); 10], &BTreeSet::from([kind(1).stream()]));
        assert_eq!(stride.plan(), None);
    }
}
