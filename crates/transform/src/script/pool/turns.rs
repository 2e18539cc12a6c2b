//! Whose turn it is: tenants in a circle, each with its own queue.
//!
//! No tenant holds all workers at once, and neither do all scripts together of which nobody knows yet whether they end: one worker is
//! always left for those that have ended before. What a tenant tries out is a party of its own, which gets half as many.

use std::collections::{HashMap, VecDeque};

use super::party::Party;

/// Waiting calls, and what is running.
#[derive(Debug)]
pub(super) struct Turns<T> {
    most: usize,
    circle: VecDeque<Party>,
    waiting: HashMap<Party, VecDeque<T>>,
    running: HashMap<Party, usize>,
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
    pub(super) fn may_start(&self, party: Party, proven: bool) -> bool {
        let own = self.running.get(&party).copied().unwrap_or(0);
        own < party.share(self.most) && (proven || self.unproven < self.most)
    }

    /// A call has a worker.
    pub(super) fn started(&mut self, party: Party, proven: bool) {
        *self.running.entry(party).or_default() += 1;
        self.unproven += usize::from(!proven);
    }

    /// A call has given its worker back; `proven` is what it was started with.
    pub(super) fn ended(&mut self, party: Party, proven: bool) {
        self.unproven -= usize::from(!proven);
        if let Some(count) = self.running.get_mut(&party) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&party);
            }
        }
    }

    /// A call waits.
    pub(super) fn wait(&mut self, party: Party, call: T) {
        let queue = self.waiting.entry(party).or_default();
        if queue.is_empty() {
            self.circle.push_back(party);
        }
        queue.push_back(call);
    }

    /// The call whose turn it is, of those that may run.
    pub(super) fn next(&mut self, proven: impl Fn(&T) -> bool) -> Option<(Party, T)> {
        let place = self.circle.iter().position(|party| {
            let first = self.waiting.get(party).and_then(VecDeque::front);
            first.is_some_and(|call| self.may_start(*party, proven(call)))
        })?;
        let party = self.circle.remove(place)?;
        let queue = self.waiting.get_mut(&party)?;
        let call = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&party);
        } else {
            self.circle.push_back(party);
        }
        Some((party, call))
    }

    /// Takes out those calls of a tenant that are to wait no longer, in their order.
    pub(super) fn leave(&mut self, party: Party, leaves: impl Fn(&T) -> bool) -> Vec<T> {
        let queue = self.waiting.remove(&party).unwrap_or_default();
        let (left, stay): (VecDeque<_>, VecDeque<_>) = queue.into_iter().partition(leaves);
        if stay.is_empty() {
            self.circle.retain(|waits| *waits != party);
        } else {
            self.waiting.insert(party, stay);
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
    use ig_core::id::OrgId;
    use proptest::prelude::*;

    use super::*;

    fn live(org: i64) -> Party {
        Party::live(OrgId(org))
    }

    fn proven<T>(_: &T) -> bool {
        true
    }

    #[test]
    fn tenants_take_turns_whoever_has_the_longer_queue() {
        let mut turns = Turns::new(2);
        for call in 0..5 {
            turns.wait(live(1), call);
        }
        turns.wait(live(2), 10);
        turns.wait(live(3), 20);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(proven)).map(|(_, call)| call).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3, 4]);
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn a_tenant_leaves_one_worker_to_the_others() {
        let mut turns = Turns::new(3);
        for _ in 0..2 {
            assert!(turns.may_start(live(1), true));
            turns.started(live(1), true);
        }
        assert!(!turns.may_start(live(1), true));
        turns.wait(live(1), 'a');
        turns.wait(live(2), 'b');
        assert_eq!(turns.next(proven), Some((live(2), 'b')));
        assert_eq!(turns.next(proven), None);
        turns.ended(live(1), true);
        assert_eq!(turns.next(proven), Some((live(1), 'a')));
    }

    #[test]
    fn scripts_that_never_ended_yet_leave_one_worker_to_those_that_have() {
        let mut turns = Turns::new(3);
        turns.started(live(1), false);
        turns.started(live(2), false);
        turns.wait(live(3), "new");
        turns.wait(live(4), "known");
        let known = |call: &&str| *call == "known";
        assert_eq!(turns.next(known), Some((live(4), "known")));
        assert_eq!(turns.next(known), None);
        turns.ended(live(1), false);
        assert_eq!(turns.next(known), Some((live(3), "new")));
    }

    #[test]
    fn what_a_tenant_tries_out_takes_half_of_its_share_and_none_of_what_it_lives_on() {
        let mut turns = Turns::<()>::new(5);
        let trial = Party::trial(OrgId(1));
        for _ in 0..2 {
            assert!(turns.may_start(trial, true));
            turns.started(trial, true);
        }
        assert!(!turns.may_start(trial, true));
        for _ in 0..4 {
            assert!(turns.may_start(live(1), true));
            turns.started(live(1), true);
        }
    }

    #[test]
    fn a_single_worker_serves_everybody() {
        assert!(Turns::<()>::new(1).may_start(live(1), false));
        assert!(Turns::<()>::new(1).may_start(Party::trial(OrgId(1)), false));
    }

    #[test]
    fn what_leaves_is_not_given_a_turn_and_the_rest_keeps_its_order() {
        let mut turns = Turns::new(2);
        for call in 0..6 {
            turns.wait(live(1), call);
        }
        turns.wait(live(2), 9);
        assert_eq!(turns.leave(live(1), |call| call % 2 == 0), [0, 2, 4]);
        assert_eq!(turns.leave(live(2), |_| true), [9]);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(proven)).collect();
        assert_eq!(order, [(live(1), 1), (live(1), 3), (live(1), 5)]);
    }

    proptest! {
        /// Whatever waits, starts, ends and leaves: nobody holds every worker, and who has ended before finds one that is left.
        #[test]
        fn one_worker_is_left_whatever_happens(
            workers in 2_usize..6,
            steps in prop::collection::vec((0_u8..4, 1_i64..4, any::<bool>()), 0..200),
        ) {
            let mut turns = Turns::new(workers);
            let mut running: Vec<(Party, bool)> = Vec::new();
            for (step, org, known) in steps {
                match step {
                    0 | 1 => turns.wait(live(org), known),
                    2 if !running.is_empty() => {
                        let (org, known) = running.swap_remove(0);
                        turns.ended(org, known);
                    }
                    _ => drop(turns.leave(live(org), |call| *call == known)),
                }
                while running.len() < workers {
                    let Some((org, known)) = turns.next(|known| *known) else { break };
                    turns.started(org, known);
                    running.push((org, known));
                }
                let of = |org: i64| running.iter().filter(|(of, _)| *of == live(org)).count();
                prop_assert!((1..4).all(|org| of(org) < workers));
                prop_assert!(running.iter().filter(|(_, known)| !known).count() < workers);
                if running.len() < workers {
                    prop_assert!(turns.may_start(live(99), true));
                }
            }
        }
    }
}
