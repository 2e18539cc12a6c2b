//! What is due and waits for its turn, in memory: identities alone, and never more than so many.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use ig_core::id::{IntegrationId, OrgId, ScheduledId};
use ig_core::scheduled::DueDelivery;

mod places;

use places::Places;

/// How many of one organisation wait here; what it has beyond that waits in the database.
pub(crate) const MOST_OF_ONE: usize = 20_000;
/// How many may be held for each place: those whose end is being noted have no place any more.
const HELD_FOR_A_PLACE: usize = 8;
/// How many wait here in all.
const MOST: usize = 400_000;

/// What is due, by organisation and integration, and what is under way.
///
/// Organisations take turns, and within one its integrations do. What gets a place is held from then on until its end is noted; the place
/// is free again as soon as its orders are made.
#[derive(Debug)]
pub(crate) struct Backlog {
    places: Places,
    most_held: usize,
    waiting: BTreeMap<OrgId, Waiting>,
    known: HashSet<ScheduledId>,
    held: HashSet<ScheduledId>,
    behind: BTreeSet<OrgId>,
    being_read: BTreeSet<OrgId>,
    done_meanwhile: HashSet<ScheduledId>,
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
            places: Places::new(places, memory),
            most_held: places.saturating_mul(HELD_FOR_A_PLACE),
            waiting: BTreeMap::new(),
            known: HashSet::new(),
            held: HashSet::new(),
            behind: BTreeSet::new(),
            being_read: BTreeSet::new(),
            done_meanwhile: HashSet::new(),
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

    /// Notes that organisations have more due than was found.
    pub(crate) fn fell_behind(&mut self, orgs: impl IntoIterator<Item = OrgId>) {
        self.behind.extend(orgs);
    }

    /// The organisations that have more due than waits here, and whose turn to be read again has come. Each is told once until it was
    /// [read on](Self::was_read_on).
    pub(crate) fn next_to_read_on(&mut self) -> Vec<OrgId> {
        if self.known.len() + MOST_OF_ONE > MOST {
            return Vec::new();
        }
        let few = |org: &&OrgId| self.waiting.get(org).is_none_or(|waiting| waiting.count <= MOST_OF_ONE / 4);
        let orgs: Vec<_> = self.behind.difference(&self.being_read).filter(few).copied().collect();
        self.being_read.extend(&orgs);
        orgs
    }

    /// An organisation was read on: this was found, and whether that was all; nothing where it could not be read.
    pub(crate) fn was_read_on(&mut self, org: OrgId, found: Option<(Vec<DueDelivery>, bool)>) {
        self.being_read.remove(&org);
        if let Some((mut found, is_all)) = found {
            if is_all {
                self.behind.remove(&org);
            }
            found.retain(|due| !self.done_meanwhile.contains(&due.id));
            self.offer(found);
        }
        if self.being_read.is_empty() {
            self.done_meanwhile.clear();
        }
    }

    /// Gives up to so many deliveries their place; they are held until [`Self::done`].
    pub(crate) fn pick(&mut self, most: usize) -> Vec<DueDelivery> {
        let mut picked = Vec::new();
        while picked.len() < most && self.held.len() < self.most_held {
            let Some(due) = self.next_turn() else { break };
            picked.push(due);
        }
        picked
    }

    /// The orders of a delivery are made: its place is free.
    pub(crate) fn ordered(&mut self, id: ScheduledId) {
        self.places.give_back(id);
    }

    /// A delivery is held no more, however that came.
    pub(crate) fn done(&mut self, id: ScheduledId) {
        self.places.give_back(id);
        self.known.remove(&id);
        self.held.remove(&id);
        if !self.being_read.is_empty() {
            self.done_meanwhile.insert(id);
        }
    }

    /// What is held.
    pub(crate) fn held(&self) -> Vec<ScheduledId> {
        self.held.iter().copied().collect()
    }

    /// How many wait here.
    pub(crate) fn len(&self) -> usize {
        self.known.len() - self.held.len()
    }

    fn next_turn(&mut self) -> Option<DueDelivery> {
        if self.places.free() == 0 {
            return None;
        }
        let orgs = in_turn(&self.waiting, self.last_turn);
        let (org, integration) = orgs
            .filter(|org| self.places.has_room_for(*org))
            .find_map(|org| self.integration_of(org).map(|integration| (org, integration)))?;
        self.last_turn = Some(org);
        let due = self.take(org, integration)?;
        self.places.take(due);
        self.held.insert(due.id);
        Some(due)
    }

    /// Whose turn it is within an organisation.
    fn integration_of(&self, org: OrgId) -> Option<IntegrationId> {
        let waiting = self.waiting.get(&org)?;
        let first = |integration: &IntegrationId| waiting.queues.get(integration).and_then(VecDeque::front);
        in_turn(&waiting.queues, waiting.last_turn)
            .find(|integration| first(integration).is_some_and(|due| self.places.may_take(due)))
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
        assert_eq!((backlog.len(), backlog.next_to_read_on()), (MOST_OF_ONE, Vec::new()));
        let mut worked = HashSet::new();
        let mut to_read_on = Vec::new();
        while to_read_on.is_empty() {
            for due in backlog.pick(500) {
                assert!(worked.insert(due.id), "none twice");
                backlog.done(due.id);
            }
            to_read_on = backlog.next_to_read_on();
        }
        assert_eq!(to_read_on, [OrgId(1)]);
        assert!(backlog.next_to_read_on().is_empty(), "it is being read");
        for due in backlog.pick(100) {
            worked.insert(due.id);
            backlog.done(due.id);
        }
        // Those that were done before it was read, and those that were done meanwhile, are not taken in again.
        let read = many(1, 1, 24_000).split_off(worked.len() - 100);
        backlog.was_read_on(OrgId(1), Some((read, true)));
        assert!(backlog.next_to_read_on().is_empty(), "that was all");
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
        for due in &first {
            backlog.ordered(due.id);
        }
        assert_eq!(
            backlog.pick(usize::MAX).len(),
            2,
            "their places are free, though they are held"
        );
        assert_eq!(backlog.held().len(), 4);
        for due in &first {
            backlog.done(due.id);
        }
        assert_eq!(backlog.held().len(), 2);
        let large = DueDelivery {
            payload_bytes: 1_000,
            ..due(2, 2, 9)
        };
        let mut backlog = Backlog::new(100, 25);
        backlog.offer(vec![large]);
        assert_eq!(backlog.pick(usize::MAX).len(), 1, "one that is larger than all goes alone");
    }
}
