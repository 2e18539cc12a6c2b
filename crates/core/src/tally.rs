//! When what was counted of a stretch of time may be kept.
//!
//! Time is cut in buckets of ten minutes, the same for everybody. A bucket's deliveries are counted once it has settled and the count is
//! kept; what is written into it later is announced first ([`is_late`]), so that a count from before is not taken for one from after.
//! Both sides go by their own clocks, which may differ by [`SKEW`].

use std::ops::Range;

use chrono::TimeDelta;

use crate::calendar::Period;
use crate::clock::Timestamp;

const LENGTH_MS: i64 = 600_000;

/// How long it may take from an announcement, or the decision that none is needed, to the end of the write: four operations one after the
/// other, each of which the database is given 30 s for.
const WRITING: TimeDelta = TimeDelta::seconds(120);

/// How far the clocks of two processes may be apart.
pub const SKEW: TimeDelta = TimeDelta::seconds(45);

/// What was taken up so short a time ago that its bucket cannot have settled is written without further ado.
const UNANNOUNCED: TimeDelta = TimeDelta::seconds(15);

/// Ten minutes of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(i64);

impl Bucket {
    /// Of this number, counted from 1970.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// That which a moment lies in.
    pub fn of(at: Timestamp) -> Self {
        Self(at.timestamp_millis().div_euclid(LENGTH_MS))
    }

    /// Its number, counted from 1970.
    pub fn number(self) -> i64 {
        self.0
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp::from_timestamp_millis(self.0.saturating_mul(LENGTH_MS)).unwrap_or_default()
    }

    /// The moment at which it is over.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The last one of which all has been written that is written without further ado.
    pub fn last_settled(now: Timestamp) -> Self {
        Self(Self::of(now - UNANNOUNCED - WRITING - SKEW).0 - 1)
    }
}

/// Whether what was taken up then has to be announced before it is written now.
pub fn is_late(taken_up: Timestamp, now: Timestamp) -> bool {
    Bucket::of(taken_up).end() + UNANNOUNCED <= now
}

/// Until when what was announced now may still be under way; whoever counts before does not know whether they have counted it.
pub fn under_way_until(now: Timestamp) -> Timestamp {
    now + WRITING + SKEW
}

/// A period cut in whole buckets that have settled, and what lies before and behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What lies before the first of the buckets.
    pub before: Option<Period>,
    /// The numbers of the buckets.
    pub settled: Range<i64>,
    /// What lies behind the last of the buckets.
    pub behind: Option<Period>,
}

impl Cut {
    /// Cuts a period.
    pub fn of(period: Period, now: Timestamp) -> Self {
        let (first, last) = (Bucket::of(period.start()), Bucket::of(period.end()));
        let first = if first.start() < period.start() { first.next() } else { first };
        let end = last.min(Bucket::last_settled(now).next());
        if first >= end {
            return Self {
                before: Some(period),
                settled: first.0..first.0,
                behind: None,
            };
        }
        Self {
            before: Period::new(period.start(), first.start()),
            settled: first.0..end.0,
            behind: Period::new(end.start(), period.end()),
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
        fn the_parts_lie_side_by_side_and_what_is_whole_has_settled(
            start in 0_i64..10_000_000,
            length in 1_i64..10_000_000,
            now in 0_i64..20_000_000,
        ) {
            let period = Period::new(at(start), at(start + length)).unwrap();
            let Cut { before, settled, behind } = Cut::of(period, at(now));
            let whole = Period::new(Bucket::new(settled.start).start(), Bucket::new(settled.end).start());
            let parts: Vec<_> = [before, whole, behind].into_iter().flatten().collect();
            prop_assert_eq!(parts.first().map(|part| part.start()), Some(period.start()));
            prop_assert_eq!(parts.last().map(|part| part.end()), Some(period.end()));
            prop_assert!(parts.windows(2).all(|pair| pair[0].end() == pair[1].start()), "{:?}", parts);
            for number in settled {
                prop_assert!(Bucket::new(number) <= Bucket::last_settled(at(now)));
            }
        }

        #[test]
        fn what_is_written_unannounced_is_written_before_its_bucket_has_settled(
            number in 0_i64..20,
            into in 0_i64..600_000,
            before in 1_i64..=615_000,
            skew in -45_000_i64..=45_000,
        ) {
            let bucket = Bucket::new(number);
            let taken_up = bucket.start() + TimeDelta::milliseconds(into);
            let written = bucket.end() + UNANNOUNCED - TimeDelta::milliseconds(before);
            prop_assert!(!is_late(taken_up, written));
            let done = written + WRITING + TimeDelta::milliseconds(skew);
            prop_assert!(bucket > Bucket::last_settled(done));
        }
    }

    #[test]
    fn a_moment_lies_in_one_bucket() {
        let bucket = Bucket::of(at(600_000));
        assert_eq!((bucket.start(), bucket.end()), (at(600_000), at(1_200_000)));
        assert_eq!(Bucket::of(at(1_199_999)), bucket);
        assert_eq!(Bucket::of(at(1_200_000)), bucket.next());
        assert_eq!(Bucket::of(at(-1)), Bucket::new(-1));
    }
}
