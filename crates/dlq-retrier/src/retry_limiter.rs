//! Limits concurrent retries in all, per tenant and per integration, so that a hanging target does not block others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ig_core::dead_letter_retry::MAX_CLAIMED_PER_CYCLE;
use ig_core::id::{IntegrationId, OrgId};
use parking_lot::Mutex;

use crate::nudge::Nudge;

/// The most retries in flight at once.
const MAX_IN_FLIGHT: usize = 4 * MAX_CLAIMED_PER_CYCLE;
/// The most retries of one integration claimed together; no more are claimed until these have ended.
const MAX_PER_INTEGRATION: usize = MAX_CLAIMED_PER_CYCLE / 2;

/// The permits of retries.
#[derive(Debug, Clone)]
pub(crate) struct RetryLimiter {
    in_flight: Arc<Mutex<InFlight>>,
    freed: Nudge,
}

#[derive(Debug, Default)]
struct InFlight {
    by_org: BTreeMap<OrgId, usize>,
    by_integration: HashMap<IntegrationId, usize>,
}

/// One retry's permit; dropping it releases it.
#[derive(Debug)]
pub(crate) struct RetryPermit {
    limiter: RetryLimiter,
    org: OrgId,
    integration: IntegrationId,
}

impl RetryLimiter {
    /// A limiter that nudges `freed` when all retries of an integration have ended.
    pub(crate) fn new(freed: Nudge) -> Self {
        Self {
            in_flight: Arc::default(),
            freed,
        }
    }

    /// The integrations with retries in flight.
    pub(crate) fn busy_integrations(&self) -> Vec<IntegrationId> {
        self.in_flight.lock().by_integration.keys().copied().collect()
    }

    /// How many due letters one cycle may claim, in all and per tenant.
    pub(crate) fn available_retries(&self, due: BTreeMap<OrgId, usize>) -> (usize, BTreeMap<OrgId, usize>) {
        let in_flight = self.in_flight.lock();
        let left = MAX_IN_FLIGHT
            .saturating_sub(in_flight.by_org.values().sum())
            .min(MAX_CLAIMED_PER_CYCLE);
        let by_org = due.into_iter().filter_map(|(org, count)| {
            let own = MAX_CLAIMED_PER_CYCLE.saturating_sub(in_flight.by_org.get(&org).copied().unwrap_or(0));
            let fits = count.min(own);
            (fits > 0).then_some((org, fits))
        });
        (left, by_org.collect())
    }

    /// Takes a permit.
    pub(crate) fn acquire(&self, org: OrgId, integration: IntegrationId) -> RetryPermit {
        let mut in_flight = self.in_flight.lock();
        *in_flight.by_org.entry(org).or_default() += 1;
        *in_flight.by_integration.entry(integration).or_default() += 1;
        RetryPermit {
            limiter: self.clone(),
            org,
            integration,
        }
    }
}

impl Drop for RetryPermit {
    fn drop(&mut self) {
        let mut in_flight = self.limiter.in_flight.lock();
        if let Some(count) = in_flight.by_org.get_mut(&self.org) {
            *count -= 1;
        }
        in_flight.by_org.retain(|_, count| *count > 0);
        let left = in_flight.by_integration.get_mut(&self.integration).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            in_flight.by_integration.remove(&self.integration);
            self.limiter.freed.wake();
        }
    }
}

/// Keeps the oldest of each integration, up to the number that is claimed together.
pub(crate) fn cap_per_integration<T>(due: Vec<(T, IntegrationId)>) -> Vec<T> {
    let mut counts: HashMap<IntegrationId, usize> = HashMap::new();
    let few = due.into_iter().filter_map(|(item, integration)| {
        let count = counts.entry(integration).or_default();
        *count += 1;
        (*count <= MAX_PER_INTEGRATION).then_some(item)
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
    fn retry_limiter_bounds_each_tenant_and_the_total() {
        let limiter = RetryLimiter::new(Nudge::default());
        let mut permits: Vec<_> = (0..MAX_CLAIMED_PER_CYCLE).map(|_| limiter.acquire(OrgId(1), ONE)).collect();
        assert_eq!(
            limiter.available_retries(due(&[(1, 9), (2, 9)])),
            (MAX_CLAIMED_PER_CYCLE, due(&[(2, 9)]))
        );
        permits.pop();
        assert_eq!(
            limiter.available_retries(due(&[(1, 9)])),
            (MAX_CLAIMED_PER_CYCLE, due(&[(1, 1)]))
        );
        let others: Vec<_> = (2..)
            .take(MAX_IN_FLIGHT - MAX_CLAIMED_PER_CYCLE)
            .map(|org| limiter.acquire(OrgId(org), OTHER))
            .collect();
        assert_eq!(limiter.available_retries(due(&[(1, 9)])).0, 1);
        drop((permits, others));
        assert_eq!(
            limiter.available_retries(due(&[(1, 99)])),
            (MAX_CLAIMED_PER_CYCLE, due(&[(1, MAX_CLAIMED_PER_CYCLE)]))
        );
    }

    #[test]
    fn integration_is_busy_until_its_last_retry_has_ended() {
        let limiter = RetryLimiter::new(Nudge::default());
        let (first, last) = (limiter.acquire(OrgId(1), ONE), limiter.acquire(OrgId(1), ONE));
        drop(first);
        assert_eq!(limiter.busy_integrations(), [ONE]);
        drop(last);
        assert_eq!(limiter.busy_integrations(), []);
    }

    #[test]
    fn cap_per_integration_keeps_the_oldest_and_all_others() {
        let due: Vec<_> = (0..99).map(|n| (n, ONE)).chain([(99, OTHER)]).collect();
        let capped = cap_per_integration(due);
        assert_eq!(capped.len(), MAX_PER_INTEGRATION + 1);
        assert_eq!((capped[0], capped.last()), (0, Some(&99)));
    }
}
