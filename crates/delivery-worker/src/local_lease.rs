//! This worker's own view of a partition lease.
//!
//! The store has the last word: it refuses writes of an expired holder. The worker's own clock tells it when to stop, so that a worker that
//! was frozen does not go on sending when it wakes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ig_core::partition::PartitionId;

/// One uninterrupted lease of one partition.
#[derive(Debug)]
pub(crate) struct LocalLease {
    partition: PartitionId,
    epoch: u64,
    began: Instant,
    valid_ms: AtomicU64,
    has_ended: AtomicBool,
    is_closing: AtomicBool,
    in_progress: AtomicUsize,
}

/// A piece of work under a lease; it ends when dropped.
#[derive(Debug)]
pub(crate) struct WorkGuard(Arc<LocalLease>);

impl Drop for WorkGuard {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::SeqCst);
    }
}

impl LocalLease {
    /// A lease requested at `requested_at` and granted for `ttl`.
    pub(crate) fn new(partition: PartitionId, epoch: u64, requested_at: Instant, ttl: Duration) -> Self {
        Self {
            partition,
            epoch,
            began: requested_at,
            valid_ms: AtomicU64::new(millis(ttl)),
            has_ended: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            in_progress: AtomicUsize::new(0),
        }
    }

    /// Begins a piece of work, unless the lease is closed or over. Work that has begun goes on while the lease is valid.
    pub(crate) fn begin_work(self: &Arc<Self>) -> Option<WorkGuard> {
        // Counted before the check, so that `close` either sees this work or keeps it from beginning.
        self.in_progress.fetch_add(1, Ordering::SeqCst);
        let guard = WorkGuard(Arc::clone(self));
        (self.is_valid() && !self.is_closing.load(Ordering::SeqCst)).then_some(guard)
    }

    /// Lets no more work begin.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
    }

    /// Whether no work is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_progress.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The epoch that fences its writes.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the partition may still be worked on.
    pub(crate) fn is_valid(&self) -> bool {
        !self.has_ended.load(Ordering::Acquire) && millis(self.began.elapsed()) < self.valid_ms.load(Ordering::Acquire)
    }

    /// Extends the lease: requested at `requested_at` and granted for `ttl`.
    pub(crate) fn extend(&self, requested_at: Instant, ttl: Duration) {
        let until = requested_at.saturating_duration_since(self.began) + ttl;
        self.valid_ms.fetch_max(millis(until), Ordering::AcqRel);
    }

    /// Ends the lease for good.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(ttl: Duration) -> LocalLease {
        LocalLease::new(PartitionId::new(3).unwrap(), 1, Instant::now(), ttl)
    }

    #[test]
    fn local_lease_ends_by_itself_unless_extended() {
        let lease = lease(Duration::ZERO);
        assert!(!lease.is_valid());
        lease.extend(Instant::now(), Duration::from_mins(1));
        assert!(lease.is_valid());
    }

    #[test]
    fn local_lease_that_is_closed_lets_begun_work_go_on_and_begins_no_more() {
        let lease = Arc::new(lease(Duration::from_mins(1)));
        let guard = lease.begin_work().unwrap();
        lease.close();
        assert!(lease.begin_work().is_none());
        assert!(lease.is_valid() && !lease.is_idle());
        drop(guard);
        assert!(lease.is_idle());
    }

    #[test]
    fn local_lease_that_has_ended_cannot_be_extended() {
        let lease = lease(Duration::from_mins(1));
        lease.end();
        lease.extend(Instant::now(), Duration::from_mins(1));
        assert!(!lease.is_valid());
    }
}
