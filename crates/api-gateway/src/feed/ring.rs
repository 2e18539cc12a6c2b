//! The latest changes, as many as are worth keeping.

use std::collections::VecDeque;

use ig_core::configuration::RevisedChange;

/// How many changes are kept; a watcher that missed more begins with a snapshot.
const KEPT: usize = 10_000;

/// Every change after a revision, up to the present one.
#[derive(Debug, Clone, Default)]
pub(super) struct Ring {
    /// The revision after which no change is missing.
    complete_after: u64,
    changes: VecDeque<RevisedChange>,
}

impl Ring {
    /// Nothing yet, and complete after a revision.
    pub(super) fn after(revision: u64) -> Self {
        Self {
            complete_after: revision,
            changes: VecDeque::new(),
        }
    }

    /// Takes in the change that follows; the oldest gives way.
    pub(super) fn push(&mut self, change: RevisedChange) {
        self.changes.push_back(change);
        while self.changes.len() > KEPT
            && let Some(oldest) = self.changes.pop_front()
        {
            self.complete_after = oldest.revision;
        }
    }

    /// The first changes after a revision; nothing where some of them are gone.
    pub(super) fn since(&self, revision: u64, most: usize) -> Option<Vec<RevisedChange>> {
        if revision < self.complete_after {
            return None;
        }
        let from = self.changes.partition_point(|change| change.revision <= revision);
        Some(self.changes.range(from..).take(most).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use ig_core::configuration::Change;
    use ig_core::id::OrgId;

    use super::*;

    fn change(revision: u64) -> RevisedChange {
        RevisedChange {
            revision,
            change: Change::DeleteOrganization(OrgId(1)),
        }
    }

    fn revisions(changes: Option<Vec<RevisedChange>>) -> Option<Vec<u64>> {
        changes.map(|list| list.into_iter().map(|change| change.revision).collect())
    }

    #[test]
    fn what_follows_a_revision_is_told_in_order_and_in_part() {
        let mut ring = Ring::after(3);
        (4..=9).for_each(|revision| ring.push(change(revision)));
        assert_eq!(revisions(ring.since(5, 3)), Some(vec![6, 7, 8]));
        assert_eq!(revisions(ring.since(9, 3)), Some(vec![]));
        assert_eq!(revisions(ring.since(2, 3)), None);
    }

    #[test]
    fn the_oldest_give_way_and_are_missed() {
        let mut ring = Ring::after(0);
        (1..=KEPT as u64 + 2).for_each(|revision| ring.push(change(revision)));
        assert_eq!(revisions(ring.since(1, 1)), None);
        assert_eq!(revisions(ring.since(2, 1)), Some(vec![3]));
    }
}
