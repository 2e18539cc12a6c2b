//! A queue that serves tenants in rotation, each from its own queue.
//!
//! No tenant holds all workers at once, and neither do all unproven scripts together: one worker always stays free for scripts that have
//! terminated before. A tenant's trials count as another principal, with half the workers.

use std::collections::{HashMap, VecDeque};

use super::principal::Principal;

/// Queued calls, and counts of the running ones.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    limit_per_tenant: usize,
    rotation: VecDeque<Principal>,
    queued: HashMap<Principal, VecDeque<T>>,
    running: HashMap<Principal, usize>,
    unproven: usize,
}

impl<T> FairQueue<T> {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            limit_per_tenant: workers.saturating_sub(1).max(1),
            rotation: VecDeque::new(),
            queued: HashMap::new(),
            running: HashMap::new(),
            unproven: 0,
        }
    }

    /// Whether one more call of this tenant may run; a proven script has terminated before.
    pub(super) fn may_start(&self, principal: Principal, proven: bool) -> bool {
        let own = self.running.get(&principal).copied().unwrap_or(0);
        own < principal.worker_limit(self.limit_per_tenant) && (proven || self.unproven < self.limit_per_tenant)
    }

    /// Counts a call that has got a worker.
    pub(super) fn started(&mut self, principal: Principal, proven: bool) {
        *self.running.entry(principal).or_default() += 1;
        self.unproven += usize::from(!proven);
    }

    /// Counts a call that has returned its worker; `proven` is the value it started with.
    pub(super) fn ended(&mut self, principal: Principal, proven: bool) {
        self.unproven -= usize::from(!proven);
        if let Some(count) = self.running.get_mut(&principal) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&principal);
            }
        }
    }

    /// Queues a call.
    pub(super) fn push(&mut self, principal: Principal, call: T) {
        let queue = self.queued.entry(principal).or_default();
        if queue.is_empty() {
            self.rotation.push_back(principal);
        }
        queue.push_back(call);
    }

    /// The next call in rotation that may run.
    pub(super) fn pop(&mut self, proven: impl Fn(&T) -> bool) -> Option<(Principal, T)> {
        let index = self.rotation.iter().position(|principal| {
            let first = self.queued.get(principal).and_then(VecDeque::front);
            first.is_some_and(|call| self.may_start(*principal, proven(call)))
        })?;
        let principal = self.rotation.remove(index)?;
        let queue = self.queued.get_mut(&principal)?;
        let call = queue.pop_front()?;
        if queue.is_empty() {
            self.queued.remove(&principal);
        } else {
            self.rotation.push_back(principal);
        }
        Some((principal, call))
    }

    /// Removes the calls of a tenant that match, in their order.
    pub(super) fn remove(&mut self, principal: Principal, matches: impl Fn(&T) -> bool) -> Vec<T> {
        let queue = self.queued.remove(&principal).unwrap_or_default();
        let (removed, rest): (VecDeque<_>, VecDeque<_>) = queue.into_iter().partition(matches);
        if rest.is_empty() {
            self.rotation.retain(|queued| *queued != principal);
        } else {
            self.queued.insert(principal, rest);
        }
        removed.into()
    }

    /// The number of queued calls.
    pub(super) fn len(&self) -> usize {
        self.queued.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use ig_core::id::OrgId;
    use proptest::prelude::*;

    use super::*;

    fn live(org: i64) -> Principal {
        Principal::live(OrgId(org))
    }

    fn proven<T>(_: &T) -> bool {
        true
    }

    #[test]
    fn fair_queue_serves_tenants_in_rotation_whatever_the_length_of_their_queues() {
        let mut queue = FairQueue::new(2);
        for call in 0..5 {
            queue.push(live(1), call);
        }
        queue.push(live(2), 10);
        queue.push(live(3), 20);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop(proven)).map(|(_, call)| call).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3, 4]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn fair_queue_keeps_one_worker_from_each_tenant() {
        let mut queue = FairQueue::new(3);
        for _ in 0..2 {
            assert!(queue.may_start(live(1), true));
            queue.started(live(1), true);
        }
        assert!(!queue.may_start(live(1), true));
        queue.push(live(1), 'a');
        queue.push(live(2), 'b');
        assert_eq!(queue.pop(proven), Some((live(2), 'b')));
        assert_eq!(queue.pop(proven), None);
        queue.ended(live(1), true);
        assert_eq!(queue.pop(proven), Some((live(1), 'a')));
    }

    #[test]
    fn unproven_scripts_leave_one_worker_to_proven_ones() {
        let mut queue = FairQueue::new(3);
        queue.started(live(1), false);
        queue.started(live(2), false);
        queue.push(live(3), "new");
        queue.push(live(4), "known");
        let proven_script = |call: &&str| *call == "known";
        assert_eq!(queue.pop(proven_script), Some((live(4), "known")));
        assert_eq!(queue.pop(proven_script), None);
        queue.ended(live(1), false);
        assert_eq!(queue.pop(proven_script), Some((live(3), "new")));
    }

    #[test]
    fn trials_get_half_of_a_tenants_workers_and_take_none_from_its_live_calls() {
        let mut queue = FairQueue::<()>::new(5);
        let trial = Principal::trial(OrgId(1));
        for _ in 0..2 {
            assert!(queue.may_start(trial, true));
            queue.started(trial, true);
        }
        assert!(!queue.may_start(trial, true));
        for _ in 0..4 {
            assert!(queue.may_start(live(1), true));
            queue.started(live(1), true);
        }
    }

    #[test]
    fn fair_queue_of_one_worker_serves_live_calls_and_trials() {
        assert!(FairQueue::<()>::new(1).may_start(live(1), false));
        assert!(FairQueue::<()>::new(1).may_start(Principal::trial(OrgId(1)), false));
    }

    #[test]
    fn removed_calls_are_not_served_and_the_rest_keeps_its_order() {
        let mut queue = FairQueue::new(2);
        for call in 0..6 {
            queue.push(live(1), call);
        }
        queue.push(live(2), 9);
        assert_eq!(queue.remove(live(1), |call| call % 2 == 0), [0, 2, 4]);
        assert_eq!(queue.remove(live(2), |_| true), [9]);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop(proven)).collect();
        assert_eq!(order, [(live(1), 1), (live(1), 3), (live(1), 5)]);
    }

    proptest! {
        /// In any sequence of calls no tenant holds every worker, and a proven script finds one that is free.
        #[test]
        fn fair_queue_always_leaves_one_worker_to_proven_scripts(
            workers in 2_usize..6,
            steps in prop::collection::vec((0_u8..4, 1_i64..4, any::<bool>()), 0..200),
        ) {
            let mut queue = FairQueue::new(workers);
            let mut running: Vec<(Principal, bool)> = Vec::new();
            for (step, org, proven_script) in steps {
                match step {
                    0 | 1 => queue.push(live(org), proven_script),
                    2 if !running.is_empty() => {
                        let (org, proven_script) = running.swap_remove(0);
                        queue.ended(org, proven_script);
                    }
                    _ => drop(queue.remove(live(org), |call| *call == proven_script)),
                }
                while running.len() < workers {
                    let Some((org, proven_script)) = queue.pop(|proven_script| *proven_script) else { break };
                    queue.started(org, proven_script);
                    running.push((org, proven_script));
                }
                let of = |org: i64| running.iter().filter(|(of, _)| *of == live(org)).count();
                prop_assert!((1..4).all(|org| of(org) < workers));
                prop_assert!(running.iter().filter(|(_, proven_script)| !proven_script).count() < workers);
                if running.len() < workers {
                    prop_assert!(queue.may_start(live(99), true));
                }
            }
        }
    }
}
