//! Who may be under way at once.

use std::collections::HashMap;

use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::scheduled::DueDelivery;

/// So many places, given under dynamic thresholds: an integration may take at most a quarter of what is free, an organisation at most as
/// much as is free. However many of them wait for slow targets, a place is left for one that has just begun.
/// Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
#[derive(Debug)]
pub(super) struct Places {
    count: usize,
    memory: usize,
    taken: HashMap<ScheduledId, DueDelivery>,
    of_integration: HashMap<IntegrationId, usize>,
    of_org: HashMap<OrgId, usize>,
    bytes: usize,
}

impl Places {
    /// So many places, for payloads of so many bytes.
    pub(super) fn new(count: usize, memory: usize) -> Self {
        Self {
            count,
            memory,
            taken: HashMap::new(),
            of_integration: HashMap::new(),
            of_org: HashMap::new(),
            bytes: 0,
        }
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.count.saturating_sub(self.taken.len())
    }

    /// Whether an organisation may take a further one.
    pub(super) fn has_room_for(&self, org: OrgId) -> bool {
        self.of_org.get(&org).copied().unwrap_or(0) < self.free()
    }

    /// Whether a delivery may take one; one that is larger than all the memory goes alone.
    pub(super) fn may_take(&self, due: &DueDelivery) -> bool {
        let own = self.of_integration.get(&due.integration).copied().unwrap_or(0);
        let has_memory = self.bytes == 0 || self.bytes + due.payload_bytes <= self.memory;
        own < (self.free() / 4).max(1) && has_memory
    }

    /// Takes a place.
    pub(super) fn take(&mut self, due: DueDelivery) {
        self.bytes += due.payload_bytes;
        *self.of_integration.entry(due.integration).or_default() += 1;
        *self.of_org.entry(due.org_id).or_default() += 1;
        self.taken.insert(due.id, due);
    }

    /// Gives a place back, if one was taken.
    pub(super) fn give_back(&mut self, id: ScheduledId) {
        let Some(due) = self.taken.remove(&id) else { return };
        self.bytes -= due.payload_bytes;
        less(&mut self.of_integration, &due.integration);
        less(&mut self.of_org, &due.org_id);
    }
}

fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
