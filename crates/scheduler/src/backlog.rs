//! What is due and waits for its turn, in memory: identities alone, and never more than so many.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::scheduled::DueDelivery;

/// How many of one organisation wait here; what it has beyond that waits in the database.
pub(crate) const MOST_OF_ONE: usize = 20_000;
/// How many wait here in all.
const MOST: usize = 400_000;

/// What is due, by organisation and integration, and what is under way.
///
/// Organisations take turns, and within one its integrations do. Places are given under dynamic thresholds: an integration may take at
/// most a quarter of what is free, an organisation at most as much as is free. However many of them wait for slow targets, a place is left
/// for one that has just begun.
/// Source: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
#[derive(Debug)]
pub(crate) struct Backlog {
    places: usize,
    memory: usize,
    waiting: BTreeMap<OrgId, Waiting>,
    known: HashSet<ScheduledId>,
    under_way: HashMap<ScheduledId, DueDelivery>,
    of_integration: HashMap<IntegrationId, usize>,
    of_org: HashMap<OrgId, usize>,
    bytes: usize,
    behind: BTreeSet<OrgId>,
    last_turn: Option<OrgId>,
}

/// What one organisation has waiting.
#[derive(Debug, Default)]
struct Waiting {
    queues: BTreeMap<IntegrationId, VecDeque<DueDelivery>>,
    count: usize,
    last_turn: Option<IntegrationId>,
}

impl Backlog {
    /// An empty backlog: so many deliveries may be under way at once, with payloads of so many bytes.
    pub(crate) fn new(places: usize, memory: usize) -> Self {
        Self {
            places,
            memory,
            waiting: BTreeMap::new(),
            known: HashSet::new(),
            under_way: HashMap::new(),
            of_integration: HashMap::new(),
            of_org: HashMap::new(),
            bytes: 0,
            behind: BTreeSet::new(),
            last_turn: None,
        }
    }

    /// Takes in what was found due; what is known already, or finds no room, is left in the database.
    pub(crate) fn offer(&mut self, found: Vec<DueDelivery>) {
        for due in found {
            if self.known.contains(&due.id) {
                continue;
            }
            let waiting = self.waiting.entry(due.org_id).or_default();
            if waiting.count >= MOST_OF_ONE || self.known.len() >= MOST {
                self.behind.insert(due.org_id);
                continue;
            }
            waiting.count += 1;
            waiting.queues.entry(due.integration).or_default().push_back(due);
            self.known.insert(due.id);
        }
        self.waiting.retain(|_, waiting| waiting.count > 0);
    }

    /// Notes whether organisations have more due than was found.
    pub(crate) fn set_behind(&mut self, orgs: impl IntoIterator<Item = OrgId>, behind: bool) {
        for org in orgs {
            if behind {
                self.behind.insert(org);
            } else {
                self.behind.remove(&org);
            }
        }
    }

    /// The organisations that have more due than waits here, and whose turn to be read again has come.
    pub(crate) fn to_read_on(&self) -> Vec<OrgId> {
        let few = |org: &&OrgId| self.waiting.get(org).is_none_or(|waiting| waiting.count <= MOST_OF_ONE / 4);
        let room = self.known.len() < MOST - MOST_OF_ONE;
        self.behind.iter().filter(few).filter(|_| room).copied().collect()
    }

    /// Gives up to so many deliveries their place; they are under way until [`Self::done`].
    pub(crate) fn pick(&mut self, most: usize) -> Vec<DueDelivery> {
        let mut picked = Vec::new();
        while picked.len() < most {
            let Some(due) = self.next_turn() else { break };
            picked.push(due);
        }
        picked
    }

    /// A delivery is under way no more, however that came.
    pub(crate) fn done(&mut self, id: ScheduledId) {
        self.known.remove(&id);
        let Some(due) = self.under_way.remove(&id) else { return };
        self.bytes -= due.payload_bytes;
        less(&mut self.of_integration, due.integration);
        less(&mut self.of_org, due.org_id);
    }

    /// What is under way.
    pub(crate) fn under_way(&self) -> Vec<ScheduledId> {
        self.under_way.keys().copied().collect()
    }

    /// How many wait here.
    pub(crate) fn len(&self) -> usize {
        self.known.len() - self.under_way.len()
    }

    fn next_turn(&mut self) -> Option<DueDelivery> {
        let free = self.places.saturating_sub(self.under_way.len());
        if free == 0 {
            return None;
        }
        let orgs = in_turn(&self.waiting, self.last_turn);
        let (org, integration) = orgs
            .filter(|org| self.of_org.get(org).copied().unwrap_or(0) < free)
            .find_map(|org| self.integration_of(org, free).map(|integration| (org, integration)))?;
        self.last_turn = Some(org);
        let due = self.take(org, integration)?;
        self.under_way.insert(due.id, due);
        self.bytes += due.payload_bytes;
        *self.of_integration.entry(integration).or_default() += 1;
        *self.of_org.entry(org).or_default() += 1;
        Some(due)
    }

    /// Whose turn it is within an organisation.
    fn integration_of(&self, org: OrgId, free: usize) -> Option<IntegrationId> {
        let waiting = self.waiting.get(&org)?;
        let may_begin = |integration: &IntegrationId| {
            let own = self.of_integration.get(integration).copied().unwrap_or(0);
            let first = waiting.queues.get(integration).and_then(VecDeque::front);
            own < (free / 4).max(1) && first.is_some_and(|due| self.has_memory(due))
        };
        in_turn(&waiting.queues, waiting.last_turn).find(may_begin)
    }

    /// One that is larger than all the memory goes alone.
    fn has_memory(&self, due: &DueDelivery) -> bool {
        self.bytes == 0 || self.bytes + due.payload_bytes <= self.memory
    }

    fn take(&mut self, org: OrgId, integration: IntegrationId) -> Option<DueDelivery> {
        let waiting = self.waiting.get_mut(&org)?;
        let queue = waiting.queues.get_mut(&integration)?;
        let due = queue.pop_front()?;
        if queue.is_empty() {
            waiting.queues.remove(&integration);
        }
        waiting.count -= 1;
        waiting.last_turn = Some(integration);
        if waiting.count == 0 {
            self.waiting.remove(&org);
        }
        Some(due)
    }
}

/// The keys after the last one that had its turn, then those up to it.
fn in_turn<K: Ord + Copy, V>(of: &BTreeMap<K, V>, last: Option<K>) -> impl Iterator<Item = K> + '_ {
    let after = last.map_or(Unbounded, Excluded);
    let until = of
        .range(..)
        .take_while(move |(key, _)| last.is_some_and(|last| **key <= last));
    of.range((after, Unbounded)).chain(until).map(|(key, _)| *key)
}

fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
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
    fn organisations_take_turns_however_much_one_of_them_has() {
        let mut backlog = Backlog::new(100, 1_000_000);
        backlog.offer(many(1, 1, 1_000));
        backlog.offer(many(2, 2, 2));
        let orgs: Vec<_> = backlog.pick(5).iter().map(|due| due.org_id.0).collect();
        assert_eq!(orgs, [1, 2, 1, 2, 1]);
    }

    #[test]
    fn a_place_is_left_for_whoever_has_just_begun() {
        let mut backlog = Backlog::new(128, 1_000_000);
        for dead in 0..20 {
            backlog.offer(many(1, dead, 200));
        }
        let of_one = backlog.pick(usize::MAX).len();
        assert!(of_one <= 64, "an organisation leaves as much as it takes: {of_one}");
        backlog.offer(many(2, 100, 200));
        let of_other = backlog.pick(usize::MAX).len();
        assert!(
            (8..=16).contains(&of_other),
            "an integration takes a quarter of what is free: {of_other}"
        );
        backlog.offer(many(3, 101, 1));
        assert_eq!(backlog.pick(usize::MAX).len(), 1);
    }

    #[test]
    fn what_finds_no_room_is_read_again_when_its_turn_comes() {
        let mut backlog = Backlog::new(4_000, usize::MAX);
        backlog.offer(many(1, 1, 24_000));
        assert_eq!((backlog.len(), backlog.to_read_on()), (MOST_OF_ONE, Vec::new()));
        let mut worked = HashSet::new();
        while backlog.to_read_on().is_empty() {
            for due in backlog.pick(500) {
                assert!(worked.insert(due.id), "none twice");
                backlog.done(due.id);
            }
        }
        assert_eq!(backlog.to_read_on(), [OrgId(1)]);
        backlog.set_behind([OrgId(1)], false);
        backlog.offer(
            many(1, 1, 24_000)
                .into_iter()
                .filter(|due| !worked.contains(&due.id))
                .collect(),
        );
        assert_eq!(backlog.len() + worked.len(), 24_000);
    }

    #[test]
    fn the_same_row_is_not_taken_in_twice_and_memory_is_bounded() {
        let mut backlog = Backlog::new(100, 25);
        backlog.offer(many(1, 1, 5));
        backlog.offer(many(1, 1, 5));
        assert_eq!(backlog.len(), 5);
        let first = backlog.pick(usize::MAX);
        assert_eq!(first.len(), 2, "of ten bytes each");
        backlog.offer(many(1, 1, 5));
        assert_eq!(backlog.len(), 3, "what is under way is known");
        first.iter().for_each(|due| backlog.done(due.id));
        assert_eq!(backlog.pick(usize::MAX).len(), 2);
        let large = DueDelivery {
            payload_bytes: 1_000,
            ..due(2, 2, 9)
        };
        let mut backlog = Backlog::new(100, 25);
        backlog.offer(vec![large]);
        assert_eq!(backlog.pick(usize::MAX).len(), 1, "one that is larger than all goes alone");
    }
}
