//! Latency sketches: percentiles from a few counters.
//!
//! A class holds the times between two bounds, each [`RATIO`] times the previous one, so a class determines its times within
//! [`RELATIVE_ERROR`], however many there are and however they are distributed. Classes of different sets add up, which
//! percentiles do not. A set needs a few hundred numbers: from a millisecond to an hour there are 756 classes. Source: Masson,
//! Rim, Lee: "`DDSketch`: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019.

use std::collections::BTreeMap;
use std::time::Duration;

/// The relative error of a percentile; rounding adds half a millisecond.
pub const RELATIVE_ERROR: f64 = 0.01;

/// The ratio between the upper bounds of neighbouring classes.
pub const RATIO: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// The class of times below a millisecond; all other classes have higher numbers.
pub const INSTANT: i32 = -1;

/// How many times fall into each class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    classes: BTreeMap<i32, u64>,
}

impl Latencies {
    /// Adds times of one class.
    pub fn add(&mut self, class: i32, count: u64) {
        *self.classes.entry(class).or_default() += count;
    }

    /// Adds the times of another set.
    pub fn merge(&mut self, other: &Self) {
        for (class, count) in &other.classes {
            self.add(*class, *count);
        }
    }

    /// The number of times.
    pub fn count(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The percentile to the millisecond (nearest rank); `None` for an empty set.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = (self.count() * u64::from(percent.min(100))).div_ceil(100).max(1);
        let mut before = 0;
        let found = self.classes.iter().find(|(_, count)| {
            before += *count;
            before >= rank
        });
        found.map(|(class, _)| time_of(*class))
    }
}

/// The class of a time: the lowest one whose upper bound is not below it.
pub fn class_of(time: Duration) -> i32 {
    let millis = time.as_millis();
    if millis == 0 {
        return INSTANT;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of any duration is small")]
    let class = ((millis as f64).ln() / RATIO.ln()).ceil() as i32;
    class
}

/// The representative time of a class: within [`RELATIVE_ERROR`] of every time in it.
fn time_of(class: i32) -> Duration {
    if class <= INSTANT {
        return Duration::ZERO;
    }
    let millis = 2.0 * RATIO.powi(class) / (RATIO + 1.0);
    Duration::try_from_secs_f64(millis.round() / 1_000.0).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: the value at the rank.
    fn exact(times: &[u64], percent: u8) -> u64 {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100).max(1);
        sorted[rank - 1]
    }

    fn latencies(times: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        for time in times {
            latencies.add(class_of(Duration::from_millis(*time)), 1);
        }
        latencies
    }

    fn millis(time: Duration) -> f64 {
        time.as_secs_f64() * 1_000.0
    }

    proptest! {
        #[test]
        fn a_latency_percentile_is_within_a_hundredth_and_half_a_millisecond(
            times in prop::collection::vec(prop_oneof![0_u64..100, 0_u64..5_000, 0_u64..4_000_000], 1..200),
            percent in 0_u8..=100,
        ) {
            let estimate = millis(latencies(&times).percentile(percent).unwrap());
            let exact = exact(&times, percent) as f64;
            prop_assert!((estimate - exact).abs() <= exact * RELATIVE_ERROR + 0.501, "{estimate} for {exact}");
        }

        #[test]
        fn latencies_of_two_sets_add_up(one in prop::collection::vec(0_u64..10_000, 0..50), other in prop::collection::vec(0_u64..10_000, 0..50)) {
            let mut merged = latencies(&one);
            merged.merge(&latencies(&other));
            prop_assert_eq!(merged, latencies(&[one, other].concat()));
        }

        #[test]
        fn a_longer_latency_is_in_no_lower_class(one in 0_u64..10_000_000, other in 0_u64..10_000_000) {
            let (short, long) = (one.min(other), one.max(other));
            prop_assert!(class_of(Duration::from_millis(short)) <= class_of(Duration::from_millis(long)));
        }
    }

    #[test]
    fn short_latencies_are_exact() {
        for time in 0..50 {
            let estimate = latencies(&[time]).percentile(50);
            assert_eq!(estimate, Some(Duration::from_millis(time)));
        }
    }

    #[test]
    fn empty_latencies_have_no_percentile() {
        assert_eq!(Latencies::default().percentile(99), None);
    }

    #[test]
    fn an_hour_takes_as_many_latency_classes_as_the_description_says() {
        assert_eq!(
            class_of(Duration::from_hours(1)) - class_of(Duration::from_millis(1)) + 1,
            756
        );
    }
}
