//! The time for which this worker holds a partition.
//!
//! The store has the last word: what an expired holder writes is refused there. A tenure is the worker's own knowledge of when it has
//! to stop, so that a worker that was frozen does not go on sending when it wakes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ig_core::partition::PartitionId;

/// One uninterrupted hold on one partition.
#[derive(Debug)]
pub(crate) struct Tenure {
    partition: PartitionId,
    epoch: u64,
    began: Instant,
    lasts_ms: AtomicU64,
    over: AtomicBool,
}

impl Tenure {
    /// A hold that was asked for at `asked` and granted for `ttl`.
    pub(crate) fn new(partition: PartitionId, epoch: u64, asked: Instant, ttl: Duration) -> Self {
        Self {
            partition,
            epoch,
            began: asked,
            lasts_ms: AtomicU64::new(millis(ttl)),
            over: AtomicBool::new(false),
        }
    }

    /// The partition.
    pub(crate) fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The epoch that fences its writes.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the partition may still be worked on.
    pub(crate) fn holds(&self) -> bool {
        !self.over.load(Ordering::Acquire) && millis(self.began.elapsed()) < self.lasts_ms.load(Ordering::Acquire)
    }

    /// Prolongs the hold: it was asked for at `asked` and granted for `ttl`.
    pub(crate) fn prolong(&self, asked: Instant, ttl: Duration) {
        let until = asked.saturating_duration_since(self.began) + ttl;
        self.lasts_ms.fetch_max(millis(until), Ordering::AcqRel);
    }

    /// Ends the hold for good.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenure(ttl: Duration) -> Tenure {
        Tenure::new(PartitionId::new(3).unwrap(), 1, Instant::now(), ttl)
    }

    #[test]
    fn a_hold_ends_by_itself_unless_prolonged() {
        let tenure = tenure(Duration::ZERO);
        assert!(!tenure.holds());
        tenure.prolong(Instant::now(), Duration::from_mins(1));
        assert!(tenure.holds());
    }

    #[test]
    fn an_ended_hold_cannot_be_prolonged() {
        let tenure = tenure(Duration::from_mins(1));
        tenure.end();
        tenure.prolong(Instant::now(), Duration::from_mins(1));
        assert!(!tenure.holds());
    }
}
