//! The time for which this worker holds a partition.
//!
//! The store has the last word: what an expired holder writes is refused there. A tenure is the worker's own knowledge of when it has
//! to stop, so that a worker that was frozen does not go on sending when it wakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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
    closing: AtomicBool,
    working: AtomicUsize,
}

/// A piece of work under a tenure, until it is dropped.
#[derive(Debug)]
pub(crate) struct Working(Arc<Tenure>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
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
            closing: AtomicBool::new(false),
            working: AtomicUsize::new(0),
        }
    }

    /// Begins a piece of work; nothing where none is to be begun any more. What has begun goes on for as long as the partition is held.
    pub(crate) fn begin_work(self: &Arc<Self>) -> Option<Working> {
        // Counted before it is asked, so that whoever closes the tenure either sees it or keeps it from beginning.
        self.working.fetch_add(1, Ordering::SeqCst);
        let working = Working(Arc::clone(self));
        (self.holds() && !self.closing.load(Ordering::SeqCst)).then_some(working)
    }

    /// Lets nothing more begin.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is being worked on.
    pub(crate) fn is_idle(&self) -> bool {
        self.working.load(Ordering::SeqCst) == 0
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
    fn a_closed_hold_goes_on_for_what_has_begun_and_begins_nothing_more() {
        let tenure = Arc::new(tenure(Duration::from_mins(1)));
        let working = tenure.begin_work().unwrap();
        tenure.close();
        assert!(tenure.begin_work().is_none());
        assert!(tenure.holds() && !tenure.is_idle());
        drop(working);
        assert!(tenure.is_idle());
    }

    #[test]
    fn an_ended_hold_cannot_be_prolonged() {
        let tenure = tenure(Duration::from_mins(1));
        tenure.end();
        tenure.prolong(Instant::now(), Duration::from_mins(1));
        assert!(!tenure.holds());
    }
}
