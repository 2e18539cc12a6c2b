//! The memory that waiting payloads may take, shared so that nobody can use it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a parsed payload takes beside its text, as a multiple of the text.
const PARSED: usize = 5;
/// How many waiting events are made ready together.
const TURN: usize = 64;
/// How many bytes of payload are read again for them at most, unless it is for one event.
const TURN_BYTES: usize = 1024 * 1024;

/// How many events are made ready together, of those whose payloads have these sizes where they have to be read again, else none.
///
/// What a turn reads again is beyond the budget, which has no room: it has to be little, for there may be many turns at once.
pub(crate) fn turn(to_be_read: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fitting = to_be_read.take(TURN).take_while(|size| {
        let is_first = bytes == 0;
        bytes += size;
        is_first || bytes <= TURN_BYTES
    });
    fitting.count()
}

/// A shared buffer under a dynamic threshold: a lane may hold at most a quarter of what is free.
///
/// However many lanes fill up, something stays free for one that has just begun.
/// Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
#[derive(Debug)]
pub(crate) struct Budget {
    capacity: usize,
    used: AtomicUsize,
}

/// Memory in use; given back when dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// So many bytes in all.
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            used: AtomicUsize::new(0),
        })
    }

    /// Takes room for a payload of `text` bytes, for a lane that has taken `own` already.
    pub(crate) fn keep(self: &Arc<Self>, text: usize, own: usize) -> Option<Kept> {
        let bytes = text * PARSED;
        let used = self.used.load(Ordering::Relaxed);
        if own + bytes > self.capacity.saturating_sub(used) / 4 {
            return None;
        }
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Some(Kept {
            budget: Arc::clone(self),
            bytes,
        })
    }

    /// How much is taken.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Kept {
    /// How much it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_turn_ends_before_it_is_too_large_but_not_before_one_event() {
        let sizes = |sizes: &[usize]| turn(sizes.iter().copied());
        assert_eq!(sizes(&[]), 0);
        assert_eq!(sizes(&[14 << 20, 1]), 1);
        assert_eq!(sizes(&[0, 0, 14 << 20, 1]), 3);
        assert_eq!(sizes(&[512 << 10, 512 << 10, 1]), 2);
        assert_eq!(sizes(&[10; 100]), 64);
    }

    proptest! {
        #[test]
        fn greedy_lanes_always_leave_room_for_a_new_one(lanes in 1usize..40) {
            let budget = Budget::new(1_000_000);
            let mut kept = Vec::new();
            for _ in 0..lanes {
                let mut own = 0;
                while let Some(more) = budget.keep(10, own) {
                    own += more.bytes();
                    kept.push(more);
                }
            }
            prop_assert!(budget.used() < 1_000_000);
            drop(kept);
            prop_assert_eq!(budget.used(), 0);
        }
    }
}
