//! How often a source is read, and how many rows at a time.

use std::time::Duration;

/// The fewest rows per read.
pub const MIN_BATCH_ROWS: usize = 5;
/// The most rows per read.
pub const MAX_BATCH_ROWS: usize = 1000;

const PARTIAL_BATCH_DELAY: Duration = Duration::from_millis(10);
const TARGET_BATCH_BYTES: usize = 8 * 1024 * 1024;
const GROWTH_FACTOR: usize = 4;

/// The wait before the next read: none after a full batch, short after a partial one, and ever longer after empty ones.
#[derive(Debug, Clone)]
pub struct PollBackoff {
    max_delay: Duration,
    empty_delay: Duration,
}

impl PollBackoff {
    /// A backoff to `max_delay` while there is nothing to read.
    pub fn new(max_delay: Duration) -> Self {
        Self {
            max_delay,
            empty_delay: PARTIAL_BATCH_DELAY,
        }
    }

    /// The wait after a read that returned `rows` of at most `limit`.
    pub fn delay_after(&mut self, rows: usize, limit: usize) -> Duration {
        if rows > 0 {
            self.empty_delay = PARTIAL_BATCH_DELAY;
        }
        match rows {
            0 => self.back_off(),
            _ if rows >= limit => Duration::ZERO,
            _ => PARTIAL_BATCH_DELAY.min(self.max_delay),
        }
    }

    fn back_off(&mut self) -> Duration {
        let wait = self.empty_delay.min(self.max_delay);
        self.empty_delay = (wait * 2).min(self.max_delay);
        wait
    }
}

/// The batch size: it grows after each full batch, and shrinks when rows are large.
#[derive(Debug, Clone)]
pub struct BatchSize(usize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(MIN_BATCH_ROWS)
    }
}

impl BatchSize {
    /// The limit of the next read.
    pub fn limit(&self) -> usize {
        self.0
    }

    /// Adapts to a read of `rows` rows with `bytes` of payload in total.
    pub fn adapt(&mut self, rows: usize, bytes: usize) {
        if rows == 0 {
            return;
        }
        let fitting = TARGET_BATCH_BYTES / (bytes / rows).max(1);
        let wanted = if rows >= self.0 { self.0 * GROWTH_FACTOR } else { self.0 };
        self.0 = wanted.min(fitting).clamp(MIN_BATCH_ROWS, MAX_BATCH_ROWS);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_idle_source_is_polled_ever_less_often_and_a_busy_one_at_once() {
        let mut backoff = PollBackoff::new(Duration::from_millis(500));
        let idle: Vec<_> = (0..8).map(|_| backoff.delay_after(0, 10).as_millis()).collect();
        assert_eq!(idle, [10, 20, 40, 80, 160, 320, 500, 500]);
        assert_eq!(backoff.delay_after(10, 10), Duration::ZERO);
        assert!(backoff.delay_after(3, 10) <= Duration::from_millis(50));
        assert_eq!(backoff.delay_after(0, 10).as_millis(), 10);
    }

    proptest! {
        #[test]
        fn a_batch_size_stays_within_its_bounds(reads in proptest::collection::vec((0usize..2000, 0usize..100_000_000), 0..50)) {
            let mut size = BatchSize::default();
            for (rows, bytes) in reads {
                size.adapt(rows, bytes);
                prop_assert!((MIN_BATCH_ROWS..=MAX_BATCH_ROWS).contains(&size.limit()));
            }
        }
    }

    #[test]
    fn a_batch_size_grows_to_the_largest_on_full_batches_of_small_rows() {
        let mut size = BatchSize::default();
        for _ in 0..5 {
            size.adapt(size.limit(), size.limit() * 1024);
        }
        assert_eq!(size.limit(), MAX_BATCH_ROWS);
    }
}
