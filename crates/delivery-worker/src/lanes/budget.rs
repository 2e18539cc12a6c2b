//! The memory for waiting payloads, shared so that no lane can use it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory that a parsed payload takes beside its text, as a multiple of the text.
const PARSED_FACTOR: usize = 5;
/// The most events in a batch.
const MAX_BATCH_EVENTS: usize = 64;
/// The most bytes of payload that a batch reads again, unless they belong to one event.
const MAX_RELOAD_BYTES: usize = 1024 * 1024;

/// How many waiting events the next batch takes, given the bytes of payload to be read again for each, or 0.
///
/// A batch reads beyond the budget, which is full by then. It has to be small, for there may be many batches at once.
pub(crate) fn batch_size(bytes_to_reload: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fitting = bytes_to_reload.take(MAX_BATCH_EVENTS).take_while(|size| {
        let is_first = bytes == 0;
        bytes += size;
        is_first || bytes <= MAX_RELOAD_BYTES
    });
    fitting.count()
}

/// A shared buffer under a dynamic threshold: a lane may hold at most a quarter of what is free.
///
/// However many lanes fill up, some memory stays free for a lane that has just begun. Source: Choudhury and Hahne, "Dynamic queue length
/// thresholds for shared-memory packet switches", 1998.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    capacity: usize,
    used: AtomicUsize,
}

/// Reserved memory; released when dropped.
#[derive(Debug)]
pub(crate) struct MemoryReservation {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl MemoryBudget {
    /// A budget of `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            used: AtomicUsize::new(0),
        })
    }

    /// Reserves memory for a payload of `text_bytes`, for a lane that has `already_reserved`.
    pub(crate) fn reserve(self: &Arc<Self>, text_bytes: usize, already_reserved: usize) -> Option<MemoryReservation> {
        let bytes = text_bytes * PARSED_FACTOR;
        let used = self.used.load(Ordering::Relaxed);
        if already_reserved + bytes > self.capacity.saturating_sub(used) / 4 {
            return None;
        }
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Some(MemoryReservation {
            budget: Arc::clone(self),
            bytes,
        })
    }

    /// The reserved bytes.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl MemoryReservation {
    /// The reserved bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn batch_size_ends_before_it_is_too_large_but_not_before_one_event() {
        let sizes = |sizes: &[usize]| batch_size(sizes.iter().copied());
        assert_eq!(sizes(&[]), 0);
        assert_eq!(sizes(&[14 << 20, 1]), 1);
        assert_eq!(sizes(&[0, 0, 14 << 20, 1]), 3);
        assert_eq!(sizes(&[512 << 10, 512 << 10, 1]), 2);
        assert_eq!(sizes(&[10; 100]), 64);
    }

    proptest! {
        #[test]
        fn memory_budget_always_leaves_memory_for_a_new_lane(lanes in 1usize..40) {
            let budget = MemoryBudget::new(1_000_000);
            let mut reservations = Vec::new();
            for _ in 0..lanes {
                let mut already_reserved = 0;
                while let Some(more) = budget.reserve(10, already_reserved) {
                    already_reserved += more.bytes();
                    reservations.push(more);
                }
            }
            prop_assert!(budget.used() < 1_000_000);
            drop(reservations);
            prop_assert_eq!(budget.used(), 0);
        }
    }
}
