//! How many runs are under way, in all and for each organisation.

use std::collections::HashMap;
use std::sync::Arc;

use ig_core::id::OrgId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metrics;

/// Slots for runs. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct RunSlots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    used: Mutex<HashMap<OrgId, usize>>,
    max: usize,
    max_per_org: usize,
    counts: Counts,
    freed: Notify,
}

/// What a slot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// A run, which the metrics count.
    Runs,
    /// A test of a data source.
    Tests,
}

/// A slot in use; dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct RunSlot {
    inner: Arc<Inner>,
    org: OrgId,
}

impl RunSlots {
    /// Slots for at most `max` runs, and `max_per_org` of one organisation.
    pub(crate) fn new(counts: Counts, max: usize, max_per_org: usize) -> Self {
        let inner = Inner {
            used: Mutex::default(),
            max,
            max_per_org,
            counts,
            freed: Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Takes a slot for a run of an organisation, if there is one.
    pub(crate) fn take(&self, org: OrgId) -> Option<RunSlot> {
        let mut used = self.inner.used.lock();
        let total: usize = used.values().sum();
        let own = used.get(&org).copied().unwrap_or_default();
        if total >= self.inner.max || own >= self.inner.max_per_org {
            return None;
        }
        used.insert(org, own + 1);
        self.inner.count(total + 1);
        let inner = Arc::clone(&self.inner);
        Some(RunSlot { inner, org })
    }

    /// How many slots are free.
    pub(crate) fn free(&self) -> usize {
        let used: usize = self.inner.used.lock().values().sum();
        self.inner.max.saturating_sub(used)
    }

    /// The most runs of one organisation.
    pub(crate) fn max_per_org(&self) -> usize {
        self.inner.max_per_org
    }

    /// The organisations that have as many runs as they may.
    pub(crate) fn full_orgs(&self) -> Vec<OrgId> {
        let used = self.inner.used.lock();
        let full = used.iter().filter(|(_, own)| **own >= self.inner.max_per_org);
        full.map(|(org, _)| *org).collect()
    }

    /// Waits until a slot is freed.
    pub(crate) async fn freed(&self) {
        self.inner.freed.notified().await;
    }
}

impl Inner {
    fn count(&self, used: usize) {
        if self.counts == Counts::Runs {
            metrics::set_under_way(used);
        }
    }
}

impl Drop for RunSlot {
    fn drop(&mut self) {
        let mut used = self.inner.used.lock();
        if let Some(own) = used.get_mut(&self.org) {
            *own = own.saturating_sub(1);
        }
        used.retain(|_, own| *own > 0);
        self.inner.count(used.values().sum());
        drop(used);
        self.inner.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_slots_bound_runs_in_all_and_of_each_organisation() {
        let slots = RunSlots::new(Counts::Runs, 3, 2);
        let first = slots.take(OrgId(1)).unwrap();
        let _second = slots.take(OrgId(1)).unwrap();
        assert!(slots.take(OrgId(1)).is_none());
        assert_eq!(slots.full_orgs(), [OrgId(1)]);
        let _third = slots.take(OrgId(2)).unwrap();
        assert!(slots.take(OrgId(3)).is_none());
        assert_eq!(slots.free(), 0);
        drop(first);
        assert_eq!((slots.free(), slots.full_orgs()), (1, Vec::new()));
        assert!(slots.take(OrgId(1)).is_some());
    }
}
