//! Gaps left by rows that commit late.
//!
//! A sequence number is taken when a row is written, and becomes visible when its transaction commits: row 11 may be visible
//! before row 10. A gap below a row that was read is therefore watched for a while, and no checkpoint passes it meanwhile.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::Position;

#[derive(Debug, Clone, Copy)]
struct Gap {
    end: Position,
    seen_at: Timestamp,
    checked_at: Timestamp,
}

/// A gap is checked again once another quarter of its age has passed, within these bounds.
const MIN_CHECK_INTERVAL: Duration = Duration::from_millis(200);
const MAX_CHECK_INTERVAL: Duration = Duration::from_secs(10);

impl Gap {
    fn new(end: Position, now: Timestamp) -> Self {
        Self {
            end,
            seen_at: now,
            checked_at: now,
        }
    }

    /// Whether a check is due. Most late transactions commit at once; few take as long as the watch.
    fn is_due(&self, now: Timestamp) -> bool {
        let age = (now - self.seen_at).to_std().unwrap_or_default();
        let waited = (now - self.checked_at).to_std().unwrap_or_default();
        waited >= (age / 4).clamp(MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL)
    }

    fn is_expired(&self, now: Timestamp, watch: Duration) -> bool {
        let age = now.signed_duration_since(self.seen_at).to_std();
        now >= self.seen_at && age.is_ok_and(|age| age >= watch)
    }
}

/// The watched gaps: disjoint ranges of positions.
#[derive(Debug, Default)]
pub struct GapTracker {
    by_start: BTreeMap<Position, Gap>,
}

impl GapTracker {
    /// Watches these gaps, except for the parts that are watched already.
    pub fn watch(&mut self, gaps: impl IntoIterator<Item = RangeInclusive<Position>>, now: Timestamp) {
        gaps.into_iter().for_each(|gap| self.watch_range(gap, now));
    }

    fn watch_range(&mut self, range: RangeInclusive<Position>, now: Timestamp) {
        let mut start = *range.start();
        while start <= *range.end() {
            let Some((known, gap)) = self.overlapping(start, *range.end()) else {
                self.by_start.insert(start, Gap::new(*range.end(), now));
                return;
            };
            if start < known {
                self.by_start.insert(start, Gap::new(known - 1, now));
            }
            start = gap.end + 1;
        }
    }

    fn overlapping(&self, start: Position, end: Position) -> Option<(Position, Gap)> {
        let before = self.by_start.range(..=start).next_back().filter(|(_, gap)| gap.end >= start);
        before
            .or_else(|| self.by_start.range(start..=end).next())
            .map(|(known, gap)| (*known, *gap))
    }

    /// Records that a row appeared at a position; returns whether it filled a gap.
    pub fn fill(&mut self, position: Position) -> bool {
        let found = self
            .by_start
            .range(..=position)
            .next_back()
            .map(|(start, gap)| (*start, *gap));
        let Some((start, gap)) = found.filter(|(_, gap)| gap.end >= position) else {
            return false;
        };
        self.by_start.remove(&start);
        if start < position {
            self.by_start.insert(
                start,
                Gap {
                    end: position - 1,
                    ..gap
                },
            );
        }
        if position < gap.end {
            self.by_start.insert(position + 1, gap);
        }
        true
    }

    /// The ranges to check now, ascending: those that are due, and all that were watched for `watch`.
    pub fn due(&mut self, now: Timestamp, watch: Duration) -> Vec<RangeInclusive<Position>> {
        let mut due = Vec::new();
        for (start, gap) in &mut self.by_start {
            if gap.is_due(now) || gap.is_expired(now, watch) {
                gap.checked_at = now;
                due.push(*start..=gap.end);
            }
        }
        due
    }

    /// The ranges that were watched for `watch` and can be given up, ascending.
    pub fn expired(&self, now: Timestamp, watch: Duration) -> Vec<RangeInclusive<Position>> {
        let expired = self.by_start.iter().filter(|(_, gap)| gap.is_expired(now, watch));
        expired.map(|(start, gap)| *start..=gap.end).collect()
    }

    /// Gives up the gaps that were watched for `watch`; returns how many positions that were.
    pub fn give_up(&mut self, now: Timestamp, watch: Duration) -> u64 {
        let mut given_up = 0;
        self.by_start.retain(|start, gap| {
            let keep = !gap.is_expired(now, watch);
            if !keep {
                given_up += gap.end - start + 1;
            }
            keep
        });
        given_up
    }

    /// The lowest watched position.
    pub fn lowest(&self) -> Option<Position> {
        self.by_start.keys().next().copied()
    }

    /// The watched ranges, ascending.
    pub fn ranges(&self) -> Vec<RangeInclusive<Position>> {
        self.by_start.iter().map(|(start, gap)| *start..=gap.end).collect()
    }

    /// Whether no gap is watched.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{TimeDelta, TimeZone, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Utc.timestamp_opt(1_000_000, 0).unwrap() + TimeDelta::seconds(second)
    }

    fn watch_gaps(tracker: &mut GapTracker, after: Position, positions: impl IntoIterator<Item = Position>, now: Timestamp) {
        tracker.watch(crate::ports::gaps(after, positions), now);
    }

    fn members(tracker: &GapTracker) -> BTreeSet<Position> {
        tracker.ranges().into_iter().flatten().collect()
    }

    proptest! {
        #[test]
        fn gap_tracker_watches_exactly_the_rows_that_are_still_missing(
            rows in proptest::collection::btree_set(1u64..120, 0..80), late in proptest::collection::vec(1u64..120, 0..80), split in 1usize..40
        ) {
            let mut tracker = GapTracker::default();
            let mut missing: BTreeSet<Position> = BTreeSet::new();
            let rows: Vec<_> = rows.into_iter().collect();
            let mut after = 0;
            for batch in rows.chunks(split) {
                watch_gaps(&mut tracker, after, batch.iter().copied(), at(0));
                after = *batch.last().unwrap();
            }
            missing.extend((1..=after).filter(|position| !rows.contains(position)));
            prop_assert_eq!(members(&tracker), missing.clone());
            for position in late {
                prop_assert_eq!(tracker.fill(position), missing.remove(&position));
                prop_assert_eq!(members(&tracker), missing.clone());
            }
            prop_assert_eq!(tracker.lowest(), missing.first().copied());
        }

        #[test]
        fn gap_tracker_watches_nothing_twice_when_rows_are_read_again(rows in proptest::collection::btree_set(1u64..60, 1..40)) {
            let mut tracker = GapTracker::default();
            watch_gaps(&mut tracker, 0, rows.iter().copied(), at(0));
            let once = members(&tracker);
            watch_gaps(&mut tracker, 0, rows.iter().copied(), at(30));
            prop_assert_eq!(members(&tracker), once);
            tracker.give_up(at(60), Duration::from_mins(1));
            prop_assert!(tracker.is_empty(), "the second reading did not prolong the watch");
        }
    }

    #[test]
    fn a_gap_is_checked_often_at_first_then_rarely_and_once_more_at_the_end() {
        let watch = Duration::from_mins(1);
        let mut tracker = GapTracker::default();
        watch_gaps(&mut tracker, 0, [3], at(0));
        let checked: Vec<_> = (0..=600)
            .map(|tenth| at(0) + TimeDelta::milliseconds(100 * tenth))
            .filter(|now| !tracker.due(*now, watch).is_empty())
            .collect();
        assert_eq!(checked[0], at(0) + TimeDelta::milliseconds(200));
        assert!(checked.len() < 30, "{}", checked.len());
        assert_eq!(checked.last(), Some(&at(60)));
    }

    #[test]
    fn a_gap_is_given_up_when_its_time_is_over() {
        let mut tracker = GapTracker::default();
        watch_gaps(&mut tracker, 0, [3], at(0));
        assert_eq!(tracker.give_up(at(59), Duration::from_mins(1)), 0);
        assert_eq!(tracker.expired(at(60), Duration::from_mins(1)), [1..=2]);
        assert_eq!(tracker.give_up(at(60), Duration::from_mins(1)), 2);
        assert!(tracker.is_empty());
    }
}
