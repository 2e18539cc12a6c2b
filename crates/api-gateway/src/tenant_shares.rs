//! Fair sharing of a resource among tenants: each tenant takes at most as much as is still free. However many tenants take all they can,
//! there is room for the next, and a single tenant gets half of the whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ig_core::id::OrgId;
use parking_lot::Mutex;

/// The shared resource, and how much each tenant has taken.
#[derive(Debug)]
pub(crate) struct Shares {
    capacity: usize,
    taken: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    by_all: usize,
    by_org: HashMap<OrgId, usize>,
}

/// One tenant's share; dropping it returns the amount.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    org: OrgId,
    taken: AtomicUsize,
}

impl Shares {
    /// Shares of which nothing is taken yet.
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            taken: Mutex::default(),
        })
    }

    /// An empty share of a tenant.
    pub(crate) fn of(self: &Arc<Self>, org: OrgId) -> Share {
        Share {
            shares: Arc::clone(self),
            org,
            taken: AtomicUsize::new(0),
        }
    }

    fn take(&self, org: OrgId, amount: usize) -> bool {
        let mut taken = self.taken.lock();
        let free = self.capacity - taken.by_all;
        let own = taken.by_org.get(&org).copied().unwrap_or_default();
        if amount > free || own > free {
            return false;
        }
        taken.by_all += amount;
        *taken.by_org.entry(org).or_default() += amount;
        true
    }

    fn give_back(&self, org: OrgId, amount: usize) {
        let mut taken = self.taken.lock();
        taken.by_all -= amount;
        if let Some(own) = taken.by_org.get_mut(&org) {
            *own -= amount;
            if *own == 0 {
                taken.by_org.remove(&org);
            }
        }
    }
}

impl Share {
    /// Takes more; false if there is no room.
    pub(crate) fn grow(&self, amount: usize) -> bool {
        let grown = amount == 0 || self.shares.take(self.org, amount);
        if grown {
            self.taken.fetch_add(amount, Ordering::Relaxed);
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let taken = *self.taken.get_mut();
        if taken > 0 {
            self.shares.give_back(self.org, taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many shares of one as a tenant can take.
    fn all(shares: &Arc<Shares>, org: i64) -> Vec<Share> {
        let one = || {
            let share = shares.of(OrgId(org));
            share.grow(1).then_some(share)
        };
        std::iter::from_fn(one).collect()
    }

    #[test]
    fn shares_leave_room_for_the_next_tenant_however_greedy_the_others() {
        let shares = Shares::new(1_000);
        let first = all(&shares, 1);
        assert_eq!(first.len(), 501);
        let second = all(&shares, 2);
        let third = all(&shares, 3);
        assert_eq!((second.len(), third.len()), (250, 125));
        drop(first);
        assert!(shares.of(OrgId(4)).grow(300), "what is given back is free");
        drop((second, third));
        assert_eq!(all(&Shares::new(1), 1).len(), 1);
        assert!(shares.taken.lock().by_org.is_empty());
    }
}
