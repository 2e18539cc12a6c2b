//! How a cursor skips rows that are not to be ingested now.
//!
//! While it ingests most rows, it reads row by row. When most rows of a full batch belong to deferred streams, or to partitions
//! of other workers, it skips rows of those kinds in ever longer scans, and returns to reading row by row where scans gain nothing.

use std::collections::{BTreeSet, HashMap};

use ig_core::id::Position;
use ig_core::stream::{RowKind, Stream};

const MIN_SPAN: u64 = 65_536;
const MAX_SPAN: u64 = 1_048_576;
/// A scan that gains fewer positions is no better than reading.
const MIN_GAIN: u64 = 8_192;
/// The most kinds that one scan skips.
const MAX_KINDS: usize = 256;

/// The skip scan of one cursor.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct SkipScan {
    span: u64,
    kinds: Vec<RowKind>,
}

impl SkipScan {
    /// How far to scan at once and which kinds to skip; none while rows are read one by one.
    pub(crate) fn plan(&self) -> Option<(u64, &[RowKind])> {
        (self.span > 0).then_some((self.span, &self.kinds))
    }

    /// Adapts to a full batch of `rows`, given the kinds of those that were not admitted.
    pub(crate) fn learn_from_batch(
        &mut self,
        rows: usize,
        not_admitted: impl IntoIterator<Item = RowKind>,
        wanted: &BTreeSet<Stream>,
    ) {
        let mut counts: HashMap<RowKind, usize> = HashMap::new();
        for kind in not_admitted {
            *counts.entry(kind).or_default() += 1;
        }
        counts.retain(|kind, _| !wanted.contains(&kind.stream()));
        let mut kinds: Vec<_> = counts.into_iter().collect();
        kinds.sort_unstable_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
        kinds.truncate(MAX_KINDS);
        let skipped: usize = kinds.iter().map(|(_, count)| count).sum();
        if skipped * 2 > rows {
            self.span = MIN_SPAN;
            self.kinds = kinds.into_iter().map(|(kind, _)| kind).collect();
        }
    }

    /// Adapts to a scan that gained this many positions.
    pub(crate) fn learn_from_skip(&mut self, positions: Position) {
        self.span = match positions {
            0..MIN_GAIN => 0,
            _ if positions + MIN_GAIN > self.span => (self.span * 4).min(MAX_SPAN),
            _ => (positions * 2).clamp(MIN_SPAN, MAX_SPAN),
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
    fn skip_scan_skips_a_flood_and_stops_when_it_gains_nothing() {
        let mut skip_scan = SkipScan::default();
        skip_scan.learn_from_batch(1_000, vec![kind(1); 400], &BTreeSet::new());
        assert_eq!(skip_scan.plan(), None, "most of it was taken up");
        let flood = [vec![kind(1); 400], vec![kind(2); 500], vec![kind(3); 2]].concat();
        skip_scan.learn_from_batch(1_000, flood, &BTreeSet::new());
        assert_eq!(skip_scan.plan(), Some((MIN_SPAN, &[kind(2), kind(1), kind(3)][..])));
        skip_scan.learn_from_skip(MIN_SPAN);
        skip_scan.learn_from_skip(MIN_SPAN * 4);
        assert_eq!(skip_scan.plan().unwrap().0, MAX_SPAN);
        skip_scan.learn_from_skip(100_000);
        assert_eq!(skip_scan.plan().unwrap().0, 200_000);
        skip_scan.learn_from_skip(10);
        assert_eq!(skip_scan.plan(), None);
    }

    #[test]
    fn skip_scan_never_skips_a_wanted_stream() {
        let mut skip_scan = SkipScan::default();
        skip_scan.learn_from_batch(10, vec![kind(1); 10], &BTreeSet::from([kind(1).stream()]));
        assert_eq!(skip_scan.plan(), None);
    }
}
