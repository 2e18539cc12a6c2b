//! Due deliveries that wait in memory for their turn: ids alone, and a bounded number.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::scheduled::DueDelivery;

mod slots;

use slots::Slots;

/// The most that wait here for one organisation; the rest waits in the database.
pub(crate) const MAX_PER_ORG: usize = 20_000;
/// The most claims per slot: a delivery whose outcome is being written is claimed without a slot.
const MAX_CLAIMED_PER_SLOT: usize = 8;
/// The most that wait here in all.
const MAX_WAITING: usize = 400_000;

/// Due deliveries by organisation and integration, and the claimed ones.
///
/// Organisations take turns, and so do the integrations of one organisation. A delivery that gets a slot stays claimed until its outcome
/// is written; the slot is free again as soon as its orders are done.
#[derive(Debug)]
pub(crate) struct Backlog {
    slots: Slots,
    max_claimed: usize,
    waiting: BTreeMap<OrgId, OrgQueues>,
    known: HashSet<ScheduledId>,
    claimed: HashSet<ScheduledId>,
    /// Organisations that have more due in the database.
    orgs_with_more: BTreeSet<OrgId>,
    refilling: BTreeSet<OrgId>,
    ended_while_refilling: HashSet<ScheduledId>,
    last_picked: Option<OrgId>,
}

/// The waiting deliveries of one organisation.
#[derive(Debug, Default)]
struct OrgQueues {
    queues: BTreeMap<IntegrationId, VecDeque<DueDelivery>>,
    count: usize,
    last_picked: Option<IntegrationId>,
}

impl Backlog {
    /// An empty backlog with `slots` concurrent deliveries, whose payloads take at most `memory` bytes.
    pub(crate) fn new(slots: usize, memory: usize) -> Self {
        Self {
            slots: Slots::new(slots, memory),
            max_claimed: slots.saturating_mul(MAX_CLAIMED_PER_SLOT),
            waiting: BTreeMap::new(),
            known: HashSet::new(),
            claimed: HashSet::new(),
            orgs_with_more: BTreeSet::new(),
            refilling: BTreeSet::new(),
            ended_while_refilling: HashSet::new(),
            last_picked: None,
        }
    }

    /// Adds due deliveries; known ones, and those beyond the limits, stay in the database.
    pub(crate) fn add_due(&mut self, found: Vec<DueDelivery>) {
        for due in found {
            if self.known.contains(&due.id) {
                continue;
            }
            let waiting = self.waiting.entry(due.org_id).or_default();
            if waiting.count >= MAX_PER_ORG || self.known.len() >= MAX_WAITING {
                self.orgs_with_more.insert(due.org_id);
                continue;
            }
            waiting.count += 1;
            waiting.queues.entry(due.integration).or_default().push_back(due);
            self.known.insert(due.id);
        }
        self.waiting.retain(|_, waiting| waiting.count > 0);
    }

    /// Marks organisations that have more due than was read.
    pub(crate) fn mark_orgs_with_more(&mut self, orgs: impl IntoIterator<Item = OrgId>) {
        self.orgs_with_more.extend(orgs);
    }

    /// The organisations that have more due and few deliveries left here. Each is returned once until its [refill](Self::refill).
    pub(crate) fn orgs_to_refill(&mut self) -> Vec<OrgId> {
        if self.known.len() + MAX_PER_ORG > MAX_WAITING {
            return Vec::new();
        }
        let few = |org: &&OrgId| self.waiting.get(org).is_none_or(|waiting| waiting.count <= MAX_PER_ORG / 4);
        let orgs: Vec<_> = self.orgs_with_more.difference(&self.refilling).filter(few).copied().collect();
        self.refilling.extend(&orgs);
        orgs
    }

    /// Adds an organisation's due deliveries, with whether those were all; `None` if they could not be read.
    pub(crate) fn refill(&mut self, org: OrgId, found: Option<(Vec<DueDelivery>, bool)>) {
        self.refilling.remove(&org);
        if let Some((mut found, is_all)) = found {
            if is_all {
                self.orgs_with_more.remove(&org);
            }
            found.retain(|due| !self.ended_while_refilling.contains(&due.id));
            self.add_due(found);
        }
        if self.refilling.is_empty() {
            self.ended_while_refilling.clear();
        }
    }

    /// Gives up to `limit` deliveries a slot; they count as claimed until [`Self::end_claim`].
    pub(crate) fn pick_due(&mut self, limit: usize) -> Vec<DueDelivery> {
        let mut picked = Vec::new();
        while picked.len() < limit && self.claimed.len() < self.max_claimed {
            let Some(due) = self.pick_next() else { break };
            picked.push(due);
        }
        picked
    }

    /// Frees the slot of a delivery whose orders are done.
    pub(crate) fn release_slot(&mut self, id: ScheduledId) {
        self.slots.release(id);
    }

    /// Ends a claim, with or without an outcome.
    pub(crate) fn end_claim(&mut self, id: ScheduledId) {
        self.slots.release(id);
        self.known.remove(&id);
        self.claimed.remove(&id);
        if !self.refilling.is_empty() {
            self.ended_while_refilling.insert(id);
        }
    }

    /// The claimed deliveries.
    pub(crate) fn claimed(&self) -> Vec<ScheduledId> {
        self.claimed.iter().copied().collect()
    }

    /// The number of waiting deliveries.
    pub(crate) fn len(&self) -> usize {
        self.known.len() - self.claimed.len()
    }

    fn pick_next(&mut self) -> Option<DueDelivery> {
        if self.slots.free_count() == 0 {
            return None;
        }
        let orgs = round_robin(&self.waiting, self.last_picked);
        let (org, integration) = orgs
            .filter(|org| self.slots.has_slot_for_org(*org))
            .find_map(|org| self.next_integration(org).map(|integration| (org, integration)))?;
        self.last_picked = Some(org);
        let due = self.pop(org, integration)?;
        self.slots.occupy(due);
        self.claimed.insert(due.id);
        Some(due)
    }

    /// The next integration of an organisation.
    fn next_integration(&self, org: OrgId) -> Option<IntegrationId> {
        let waiting = self.waiting.get(&org)?;
        let first = |integration: &IntegrationId| waiting.queues.get(integration).and_then(VecDeque::front);
        round_robin(&waiting.queues, waiting.last_picked)
            .find(|integration| first(integration).is_some_and(|due| self.slots.has_capacity_for(due)))
    }

    fn pop(&mut self, org: OrgId, integration: IntegrationId) -> Option<DueDelivery> {
        let waiting = self.waiting.get_mut(&org)?;
        let queue = waiting.queues.get_mut(&integration)?;
        let due = queue.pop_front()?;
        if queue.is_empty() {
            waiting.queues.remove(&integration);
        }
        waiting.count -= 1;
        waiting.last_picked = Some(integration);
        if waiting.count == 0 {
            self.waiting.remove(&org);
        }
        Some(due)
    }
}

/// The keys after `last`, then those up to it.
fn round_robin<K: Ord + Copy, V>(of: &BTreeMap<K, V>, last: Option<K>) -> impl Iterator<Item = K> + '_ {
    let after = last.map_or(Unbounded, Excluded);
    let until = of
        .range(..)
        .take_while(move |(key, _)| last.is_some_and(|last| **key <= last));
    of.range((after, Unbounded)).chain(until).map(|(key, _)| *key)
}

#[cfg(test)]
mod tests {
    use ig_testkit::builders::integration_id;
    use ig_testkit::clock::moment;

    use super::*;

    fn due(org: i64, integration: u64, number: u32) -> DueDelivery {
        let mut id = [0; 12];
        id[..4].copy_from_slice(&number.to_be_bytes());
        id[4..].copy_from_slice(&(integration * 1000 + org.cast_unsigned()).to_be_bytes());
        DueDelivery {
            id: ScheduledId(id),
            org_id: OrgId(org),
            integration: integration_id(integration),
            due_at: moment(i64::from(number)),
            payload_bytes: 10,
        }
    }

    fn many(org: i64, integration: u64, count: u32) -> Vec<DueDelivery> {
        (0..count).map(|number| due(org, integration, number)).collect()
    }

    #[test]
    fn backlog_alternates_between_organisations() {
        let mut backlog = Backlog::new(100, 1_000_000);
        backlog.add_due(many(1, 1, 1_000));
        backlog.add_due(many(2, 2, 2));
        let orgs: Vec<_> = backlog.pick_due(5).iter().map(|due| due.org_id.0).collect();
        assert_eq!(orgs, [1, 2, 1, 2, 1]);
    }

    #[test]
    fn slots_are_left_for_newcomers() {
        let mut backlog = Backlog::new(128, 1_000_000);
        for dead in 0..20 {
            backlog.add_due(many(1, dead, 200));
        }
        let count = backlog.pick_due(usize::MAX).len();
        assert!(count <= 64, "an organisation leaves as much as it takes: {count}");
        backlog.add_due(many(2, 100, 200));
        let other_count = backlog.pick_due(usize::MAX).len();
        assert!(
            (8..=16).contains(&other_count),
            "an integration takes a quarter of what is free: {other_count}"
        );
        backlog.add_due(many(3, 101, 1));
        assert_eq!(backlog.pick_due(usize::MAX).len(), 1);
    }

    #[test]
    fn backlog_refills_an_organisation_beyond_its_limit() {
        let mut backlog = Backlog::new(4_000, usize::MAX);
        backlog.add_due(many(1, 1, 24_000));
        assert_eq!((backlog.len(), backlog.orgs_to_refill()), (MAX_PER_ORG, Vec::new()));
        let mut worked = HashSet::new();
        let mut to_refill = Vec::new();
        while to_refill.is_empty() {
            for due in backlog.pick_due(500) {
                assert!(worked.insert(due.id), "none twice");
                backlog.end_claim(due.id);
            }
            to_refill = backlog.orgs_to_refill();
        }
        assert_eq!(to_refill, [OrgId(1)]);
        assert!(backlog.orgs_to_refill().is_empty(), "it is being read");
        for due in backlog.pick_due(100) {
            worked.insert(due.id);
            backlog.end_claim(due.id);
        }
        // A refill adds neither the deliveries done before the read nor those done during it.
        let read = many(1, 1, 24_000).split_off(worked.len() - 100);
        backlog.refill(OrgId(1), Some((read, true)));
        assert!(backlog.orgs_to_refill().is_empty(), "that was all");
        assert_eq!(backlog.len() + worked.len(), 24_000);
    }

    #[test]
    fn backlog_ignores_known_rows_and_bounds_memory() {
        let mut backlog = Backlog::new(100, 25);
        backlog.add_due(many(1, 1, 5));
        backlog.add_due(many(1, 1, 5));
        assert_eq!(backlog.len(), 5);
        let first = backlog.pick_due(usize::MAX);
        assert_eq!(first.len(), 2, "of ten bytes each");
        backlog.add_due(many(1, 1, 5));
        assert_eq!(backlog.len(), 3, "what is under way is known");
        for due in &first {
            backlog.release_slot(due.id);
        }
        assert_eq!(
            backlog.pick_due(usize::MAX).len(),
            2,
            "their slots are free, although the claims last"
        );
        assert_eq!(backlog.claimed().len(), 4);
        for due in &first {
            backlog.end_claim(due.id);
        }
        assert_eq!(backlog.claimed().len(), 2);
        let large = DueDelivery {
            payload_bytes: 1_000,
            ..due(2, 2, 9)
        };
        let mut backlog = Backlog::new(100, 25);
        backlog.add_due(vec![large]);
        assert_eq!(
            backlog.pick_due(usize::MAX).len(),
            1,
            "one that is larger than all goes alone"
        );
    }
}
