//! How many retries are under way, in all, of one tenant and of one integration: whoever's target hangs takes nobody else's places.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ig_core::id::{IntegrationId, OrgId};
use ig_core::redelivery::MOST_A_CYCLE;
use parking_lot::Mutex;

use crate::nudge::Nudge;

/// The most retries that are under way at once.
const PLACES: usize = 4 * MOST_A_CYCLE;
/// The most of one integration that are claimed together; while they are under way no more of it are.
const OF_ONE_INTEGRATION: usize = MOST_A_CYCLE / 2;

/// Places for retries.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    taken: Arc<Mutex<Taken>>,
    freed: Nudge,
}

#[derive(Debug, Default)]
struct Taken {
    by_org: BTreeMap<OrgId, usize>,
    by_integration: HashMap<IntegrationId, usize>,
}

/// One retry's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    org: OrgId,
    integration: IntegrationId,
}

impl Room {
    /// An empty room; whoever waits is nudged when an integration's retries have ended.
    pub(crate) fn new(freed: Nudge) -> Self {
        Self {
            taken: Arc::default(),
            freed,
        }
    }

    /// The integrations of which retries are under way.
    pub(crate) fn busy(&self) -> Vec<IntegrationId> {
        self.taken.lock().by_integration.keys().copied().collect()
    }

    /// How many of what is due there is room for: in all, for one cycle, and of each tenant.
    pub(crate) fn fits(&self, due: BTreeMap<OrgId, usize>) -> (usize, BTreeMap<OrgId, usize>) {
        let taken = self.taken.lock();
        let left = PLACES.saturating_sub(taken.by_org.values().sum()).min(MOST_A_CYCLE);
        let of_each = due.into_iter().filter_map(|(org, count)| {
            let own = MOST_A_CYCLE.saturating_sub(taken.by_org.get(&org).copied().unwrap_or(0));
            let fits = count.min(own);
            (fits > 0).then_some((org, fits))
        });
        (left, of_each.collect())
    }

    /// Takes a place.
    pub(crate) fn take(&self, org: OrgId, integration: IntegrationId) -> Place {
        let mut taken = self.taken.lock();
        *taken.by_org.entry(org).or_default() += 1;
        *taken.by_integration.entry(integration).or_default() += 1;
        Place {
            room: self.clone(),
            org,
            integration,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock();
        if let Some(count) = taken.by_org.get_mut(&self.org) {
            *count -= 1;
        }
        taken.by_org.retain(|_, count| *count > 0);
        let left = taken.by_integration.get_mut(&self.integration).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            taken.by_integration.remove(&self.integration);
            self.room.freed.wake();
        }
    }
}

/// Of what is due, oldest first, as much as is claimed of each integration together.
pub(crate) fn not_too_many_of_one<T>(due: Vec<(T, IntegrationId)>) -> Vec<T> {
    let mut counts: HashMap<IntegrationId, usize> = HashMap::new();
    let few = due.into_iter().filter_map(|(item, integration)| {
        let count = counts.entry(integration).or_default();
        *count += 1;
        (*count <= OF_ONE_INTEGRATION).then_some(item)
    });
    few.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IntegrationId = IntegrationId([1; 12]);
    const OTHER: IntegrationId = IntegrationId([2; 12]);

    fn due(counts: &[(i64, usize)]) -> BTreeMap<OrgId, usize> {
        counts.iter().map(|(org, count)| (OrgId(*org), *count)).collect()
    }

    #[test]
    fn a_tenant_takes_no_more_than_its_places_and_all_no_more_than_there_are() {
        let room = Room::new(Nudge::default());
        let mut places: Vec<_> = (0..MOST_A_CYCLE).map(|_| room.take(OrgId(1), ONE)).collect();
        assert_eq!(room.fits(due(&[(1, 9), (2, 9)])), (MOST_A_CYCLE, due(&[(2, 9)])));
        places.pop();
        assert_eq!(room.fits(due(&[(1, 9)])), (MOST_A_CYCLE, due(&[(1, 1)])));
        let others: Vec<_> = (2..)
            .take(PLACES - MOST_A_CYCLE)
            .map(|org| room.take(OrgId(org), OTHER))
            .collect();
        assert_eq!(room.fits(due(&[(1, 9)])).0, 1);
        drop((places, others));
        assert_eq!(room.fits(due(&[(1, 99)])), (MOST_A_CYCLE, due(&[(1, MOST_A_CYCLE)])));
    }

    #[test]
    fn an_integration_is_busy_until_its_last_retry_has_ended() {
        let room = Room::new(Nudge::default());
        let (first, last) = (room.take(OrgId(1), ONE), room.take(OrgId(1), ONE));
        drop(first);
        assert_eq!(room.busy(), [ONE]);
        drop(last);
        assert_eq!(room.busy(), []);
    }

    #[test]
    fn of_one_integration_the_oldest_are_taken_and_others_are_not_behind_the_rest() {
        let due: Vec<_> = (0..99).map(|n| (n, ONE)).chain([(99, OTHER)]).collect();
        let taken = not_too_many_of_one(due);
        assert_eq!(taken.len(), OF_ONE_INTEGRATION + 1);
        assert_eq!((taken[0], taken.last()), (0, Some(&99)));
    }
}
