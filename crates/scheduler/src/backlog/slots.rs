//! The slots of concurrent deliveries.

use std::collections::HashMap;

use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::scheduled::DueDelivery;

/// Concurrency slots under dynamic thresholds: an integration may occupy at most a quarter as many slots as are free, an organisation at
/// most as many as are free. So a slot is left for a newcomer, however many deliveries wait for slow targets.
/// Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
#[derive(Debug)]
pub(super) struct Slots {
    count: usize,
    memory: usize,
    occupied: HashMap<ScheduledId, DueDelivery>,
    by_integration: HashMap<IntegrationId, usize>,
    by_org: HashMap<OrgId, usize>,
    bytes: usize,
}

impl Slots {
    /// `count` slots, whose payloads take at most `memory` bytes.
    pub(super) fn new(count: usize, memory: usize) -> Self {
        Self {
            count,
            memory,
            occupied: HashMap::new(),
            by_integration: HashMap::new(),
            by_org: HashMap::new(),
            bytes: 0,
        }
    }

    /// The number of free slots.
    pub(super) fn free_count(&self) -> usize {
        self.count.saturating_sub(self.occupied.len())
    }

    /// Whether an organisation may occupy one more slot.
    pub(super) fn has_slot_for_org(&self, org: OrgId) -> bool {
        self.by_org.get(&org).copied().unwrap_or(0) < self.free_count()
    }

    /// Whether a delivery fits; one that is larger than all the memory goes alone.
    pub(super) fn has_capacity_for(&self, due: &DueDelivery) -> bool {
        let own = self.by_integration.get(&due.integration).copied().unwrap_or(0);
        let has_memory = self.bytes == 0 || self.bytes + due.payload_bytes <= self.memory;
        own < (self.free_count() / 4).max(1) && has_memory
    }

    /// Occupies a slot.
    pub(super) fn occupy(&mut self, due: DueDelivery) {
        self.bytes += due.payload_bytes;
        *self.by_integration.entry(due.integration).or_default() += 1;
        *self.by_org.entry(due.org_id).or_default() += 1;
        self.occupied.insert(due.id, due);
    }

    /// Frees a delivery's slot, if it has one.
    pub(super) fn release(&mut self, id: ScheduledId) {
        let Some(due) = self.occupied.remove(&id) else { return };
        self.bytes -= due.payload_bytes;
        decrement(&mut self.by_integration, &due.integration);
        decrement(&mut self.by_org, &due.org_id);
    }
}

fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
