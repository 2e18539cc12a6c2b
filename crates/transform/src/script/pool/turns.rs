//! Whose turn it is: tenants in a circle, each with its own queue.
//!
//! No tenant holds all workers at once, and neither do all scripts together of which nobody knows yet whether they end: one worker is
//! always left for those that have ended before.

use std::collections::{HashMap, VecDeque};

use ig_core::id::OrgId;

/// Waiting calls, and what is running.
#[derive(Debug)]
pub(super) struct Turns<T> {
    most: usize,
    circle: VecDeque<OrgId>,
    waiting: HashMap<OrgId, VecDeque<T>>,
    running: HashMap<OrgId, usize>,
    unproven: usize,
}

impl<T> Turns<T> {
    /// For a number of workers.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            most: workers.saturating_sub(1).max(1),
            circle: VecDeque::new(),
            waiting: HashMap::new(),
            running: HashMap::new(),
            unproven: 0,
        }
    }

    /// Whether one more call of this tenant may run; proven is a script that has ended before.
    pub(super) fn may_start(&self, org: OrgId, proven: bool) -> bool {
        let own = self.running.get(&org).copied().unwrap_or(0);
        own < self.most && (proven || self.unproven < self.most)
    }

    /// A call has a worker.
    pub(super) fn started(&mut self, org: OrgId, proven: bool) {
        *self.running.entry(org).or_default() += 1;
        self.unproven += usize::from(!proven);
    }

    /// A call has given its worker back; `proven` is what it was started with.
    pub(super) fn ended(&mut self, org: OrgId, proven: bool) {
        self.unproven -= usize::from(!proven);
        if let Some(count) = self.running.get_mut(&org) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&org);
            }
        }
    }

    /// A call waits.
    pub(super) fn wait(&mut self, org: OrgId, call: T) {
        let queue = self.waiting.entry(org).or_default();
        if queue.is_empty() {
            self.circle.push_back(org);
        }
        queue.push_back(call);
    }

    /// The call whose turn it is, of those that may run.
    pub(super) fn next(&mut self, proven: impl Fn(&T) -> bool) -> Option<(OrgId, T)> {
        let place = self.circle.iter().position(|org| {
            let first = self.waiting.get(org).and_then(VecDeque::front);
            first.is_some_and(|call| self.may_start(*org, proven(call)))
        })?;
        let org = self.circle.remove(place)?;
        let queue = self.waiting.get_mut(&org)?;
        let call = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&org);
        } else {
            self.circle.push_back(org);
        }
        Some((org, call))
    }

    /// Takes out those calls of a tenant that are to wait no longer, in their order.
    pub(super) fn leave(&mut self, org: OrgId, leaves: impl Fn(&T) -> bool) -> Vec<T> {
        let queue = self.waiting.remove(&org).unwrap_or_default();
        let (left, stay): (VecDeque<_>, VecDeque<_>) = queue.into_iter().partition(leaves);
        if stay.is_empty() {
            self.circle.retain(|waits| *waits != org);
        } else {
            self.waiting.insert(org, stay);
        }
        left.into()
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proven<T>(_: &T) -> bool {
        true
    }

    #[test]
    fn tenants_take_turns_whoever_has_the_longer_queue() {
        let mut turns = Turns::new(2);
        for call in 0..5 {
            turns.wait(OrgId(1), call);
        }
        turns.wait(OrgId(2), 10);
        turns.wait(OrgId(3), 20);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(proven)).map(|(_, call)| call).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3, 4]);
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn a_tenant_leaves_one_worker_to_the_others() {
        let mut turns = Turns::new(3);
        for _ in 0..2 {
            assert!(turns.may_start(OrgId(1), true));
            turns.started(OrgId(1), true);
        }
        assert!(!turns.may_start(OrgId(1), true));
        turns.wait(OrgId(1), 'a');
        turns.wait(OrgId(2), 'b');
        assert_eq!(turns.next(proven), Some((OrgId(2), 'b')));
        assert_eq!(turns.next(proven), None);
        turns.ended(OrgId(1), true);
        assert_eq!(turns.next(proven), Some((OrgId(1), 'a')));
    }

    #[test]
    fn scripts_that_never_ended_yet_leave_one_worker_to_those_that_have() {
        let mut turns = Turns::new(3);
        turns.started(OrgId(1), false);
        turns.started(OrgId(2), false);
        turns.wait(OrgId(3), "new");
        turns.wait(OrgId(4), "known");
        let known = |call: &&str| *call == "known";
        assert_eq!(turns.next(known), Some((OrgId(4), "known")));
        assert_eq!(turns.next(known), None);
        turns.ended(OrgId(1), false);
        assert_eq!(turns.next(known), Some((OrgId(3), "new")));
    }

    #[test]
    fn a_single_worker_serves_everybody() {
        assert!(Turns::<()>::new(1).may_start(OrgId(1), false));
    }

    #[test]
    fn what_leaves_is_not_given_a_turn_and_the_rest_keeps_its_order() {
        let mut turns = Turns::new(2);
        for call in 0..6 {
            turns.wait(OrgId(1), call);
        }
        turns.wait(OrgId(2), 9);
        assert_eq!(turns.leave(OrgId(1), |call| call % 2 == 0), [0, 2, 4]);
        assert_eq!(turns.leave(OrgId(2), |_| true), [9]);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(proven)).collect();
        assert_eq!(order, [(OrgId(1), 1), (OrgId(1), 3), (OrgId(1), 5)]);
    }

    proptest! {
        /// Whatever waits, starts, ends and leaves: nobody holds every worker, and who has ended before finds one that is left.
        #[test]
        fn one_worker_is_left_whatever_happens(
            workers in 2_usize..6,
            steps in prop::collection::vec((0_u8..4, 1_i64..4, any::<bool>()), 0..200),
        ) {
            let mut turns = Turns::new(workers);
            let mut running: Vec<(OrgId, bool)> = Vec::new();
            for (step, org, known) in steps {
                match step {
                    0 | 1 => turns.wait(OrgId(org), known),
                    2 if !running.is_empty() => {
                        let (org, known) = running.swap_remove(0);
                        turns.ended(org, known);
                    }
                    _ => drop(turns.leave(OrgId(org), |call| *call == known)),
                }
                while running.len() < workers {
                    let Some((org, known)) = turns.next(|known| *known) else { break };
                    turns.started(org, known);
                    running.push((org, known));
                }
                let of = |org: i64| running.iter().filter(|(of, _)| of.0 == org).count();
                prop_assert!((1..4).all(|org| of(org) < workers));
                prop_assert!(running.iter().filter(|(_, known)| !known).count() < workers);
                if running.len() < workers {
                    prop_assert!(turns.may_start(OrgId(99), true));
                }
            }
        }
    }
}
