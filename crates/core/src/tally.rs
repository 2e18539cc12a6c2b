//! Tallies: when a count over a span of time may be kept.
//!
//! Time is cut into buckets of ten minutes, the same for all organisations. The deliveries of a bucket are counted once it has
//! settled, and the count is kept; a later write into the bucket is announced first ([`is_late`]), so that an outdated count is
//! never taken for a current one. Both sides use their own clocks, which may differ by [`SKEW`].

use std::ops::Range;

use chrono::TimeDelta;

use crate::calendar::Period;
use crate::clock::Timestamp;

const BUCKET_MS: i64 = 600_000;

/// The longest time from an announcement, or the decision that none is needed, to the end of the write: four sequential
/// operations with 30 s each.
const MAX_WRITE_TIME: TimeDelta = TimeDelta::seconds(120);

/// The largest difference between the clocks of two processes.
pub const SKEW: TimeDelta = TimeDelta::seconds(45);

/// A delivery begun this recently is written without an announcement: its bucket cannot have settled.
const UNANNOUNCED_FOR: TimeDelta = TimeDelta::seconds(15);

/// Ten minutes of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(i64);

impl Bucket {
    /// The bucket with this number, counted from 1970.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The bucket that contains a moment.
    pub fn of(at: Timestamp) -> Self {
        Self(at.timestamp_millis().div_euclid(BUCKET_MS))
    }

    /// Its number, counted from 1970.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The first moment.
    pub fn start(self) -> Timestamp {
        Timestamp::from_timestamp_millis(self.0.saturating_mul(BUCKET_MS)).unwrap_or_default()
    }

    /// The end, which is outside the bucket.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The next bucket.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The last bucket that has received all of its unannounced writes.
    pub fn last_settled(now: Timestamp) -> Self {
        Self(Self::of(now - UNANNOUNCED_FOR - MAX_WRITE_TIME - SKEW).0 - 1)
    }
}

/// Whether a delivery begun at `taken_up` has to be announced before it is written now.
pub fn is_late(taken_up: Timestamp, now: Timestamp) -> bool {
    Bucket::of(taken_up).end() + UNANNOUNCED_FOR <= now
}

/// When a write announced now is certain to have ended; an earlier count may or may not include it.
pub fn write_ends_by(now: Timestamp) -> Timestamp {
    now + MAX_WRITE_TIME + SKEW
}

/// A period cut into settled whole buckets, and the rest before and after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodSplit {
    /// The part before the buckets.
    pub before: Option<Period>,
    /// The numbers of the buckets.
    pub settled: Range<i64>,
    /// The part after the buckets.
    pub after: Option<Period>,
}

impl PeriodSplit {
    /// Splits a period.
    pub fn of(period: Period, now: Timestamp) -> Self {
        let (first, last) = (Bucket::of(period.start()), Bucket::of(period.end()));
        let first = if first.start() < period.start() { first.next() } else { first };
        let end = last.min(Bucket::last_settled(now).next());
        if first >= end {
            return Self {
                before: Some(period),
                settled: first.0..first.0,
                after: None,
            };
        }
        Self {
            before: Period::new(period.start(), first.start()),
            settled: first.0..end.0,
            after: Period::new(end.start(), period.end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(millis).unwrap()
    }

    proptest! {
        #[test]
        fn a_cut_period_has_adjacent_parts_and_settled_buckets(
            start in 0_i64..10_000_000,
            length in 1_i64..10_000_000,
            now in 0_i64..20_000_000,
        ) {
            let period = Period::new(at(start), at(start + length)).unwrap();
            let PeriodSplit { before, settled, after } = PeriodSplit::of(period, at(now));
            let whole = Period::new(Bucket::new(settled.start).start(), Bucket::new(settled.end).start());
            let parts: Vec<_> = [before, whole, after].into_iter().flatten().collect();
            prop_assert_eq!(parts.first().map(|part| part.start()), Some(period.start()));
            prop_assert_eq!(parts.last().map(|part| part.end()), Some(period.end()));
            prop_assert!(parts.windows(2).all(|pair| pair[0].end() == pair[1].start()), "{:?}", parts);
            for number in settled {
                prop_assert!(Bucket::new(number) <= Bucket::last_settled(at(now)));
            }
        }

        #[test]
        fn an_unannounced_write_ends_before_its_bucket_has_settled(
            number in 0_i64..20,
            into in 0_i64..600_000,
            before in 1_i64..=615_000,
            skew in -45_000_i64..=45_000,
        ) {
            let bucket = Bucket::new(number);
            let taken_up = bucket.start() + TimeDelta::milliseconds(into);
            let written = bucket.end() + UNANNOUNCED_FOR - TimeDelta::milliseconds(before);
            prop_assert!(!is_late(taken_up, written));
            let done = written + MAX_WRITE_TIME + TimeDelta::milliseconds(skew);
            prop_assert!(bucket > Bucket::last_settled(done));
        }
    }

    #[test]
    fn a_moment_lies_in_exactly_one_bucket() {
        let bucket = Bucket::of(at(600_000));
        assert_eq!((bucket.start(), bucket.end()), (at(600_000), at(1_200_000)));
        assert_eq!(Bucket::of(at(1_199_999)), bucket);
        assert_eq!(Bucket::of(at(1_200_000)), bucket.next());
        assert_eq!(Bucket::of(at(-1)), Bucket::new(-1));
    }
}
