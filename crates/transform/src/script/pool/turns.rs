//! Whose turn it is: tenants in a circle, each with its own queue.
//!
//! No tenant holds all workers at once, and neither do all tenants together whose scripts had to be killed lately: one worker is
//! always left for those who did nothing.

use std::collections::{HashMap, VecDeque};

use ig_core::id::OrgId;

/// Waiting calls, and how many of each tenant are running.
#[derive(Debug)]
pub(super) struct Turns<T> {
    most: usize,
    circle: VecDeque<OrgId>,
    waiting: HashMap<OrgId, VecDeque<T>>,
    running: HashMap<OrgId, usize>,
}

impl<T> Turns<T> {
    /// For a number of workers.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            most: workers.saturating_sub(1).max(1),
            circle: VecDeque::new(),
            waiting: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// Whether one more call of this tenant may run.
    pub(super) fn may_start(&self, org: OrgId, suspect: impl Fn(OrgId) -> bool) -> bool {
        let own = self.running.get(&org).copied().unwrap_or(0);
        if own >= self.most {
            return false;
        }
        let of_suspects = || -> usize {
            self.running
                .iter()
                .filter(|(org, _)| suspect(**org))
                .map(|(_, count)| count)
                .sum()
        };
        !suspect(org) || of_suspects() < self.most
    }

    /// A call has a worker.
    pub(super) fn started(&mut self, org: OrgId) {
        *self.running.entry(org).or_default() += 1;
    }

    /// A call has given its worker back.
    pub(super) fn ended(&mut self, org: OrgId) {
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
    pub(super) fn next(&mut self, suspect: impl Fn(OrgId) -> bool) -> Option<(OrgId, T)> {
        let place = self.circle.iter().position(|org| self.may_start(*org, &suspect))?;
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

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: OrgId) -> bool {
        false
    }

    #[test]
    fn tenants_take_turns_whoever_has_the_longer_queue() {
        let mut turns = Turns::new(2);
        for call in 0..5 {
            turns.wait(OrgId(1), call);
        }
        turns.wait(OrgId(2), 10);
        turns.wait(OrgId(3), 20);
        let order: Vec<_> = std::iter::from_fn(|| turns.next(nobody)).map(|(_, call)| call).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3, 4]);
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn a_tenant_leaves_one_worker_to_the_others() {
        let mut turns = Turns::new(3);
        for _ in 0..2 {
            assert!(turns.may_start(OrgId(1), nobody));
            turns.started(OrgId(1));
        }
        assert!(!turns.may_start(OrgId(1), nobody));
        turns.wait(OrgId(1), 'a');
        turns.wait(OrgId(2), 'b');
        assert_eq!(turns.next(nobody), Some((OrgId(2), 'b')));
        assert_eq!(turns.next(nobody), None);
        turns.ended(OrgId(1));
        assert_eq!(turns.next(nobody), Some((OrgId(1), 'a')));
    }

    #[test]
    fn suspects_together_leave_one_worker_to_the_others() {
        let mut turns = Turns::<()>::new(3);
        let suspect = |org: OrgId| org.0 < 10;
        turns.started(OrgId(1));
        turns.started(OrgId(2));
        assert!(!turns.may_start(OrgId(3), suspect));
        assert!(turns.may_start(OrgId(10), suspect));
    }

    #[test]
    fn a_single_worker_serves_everybody() {
        assert!(Turns::<()>::new(1).may_start(OrgId(1), nobody));
    }
}
