//! A bounded ring of the latest changes.

use std::collections::VecDeque;

use ig_core::configuration::RevisedChange;
use ig_proto::v1;

use super::MESSAGE_BYTES;

/// The most changes to keep; a watcher that missed more starts from a snapshot.
const MAX_CHANGES: usize = 10_000;
/// The most bytes to keep: the ring alone holds items that have changed since.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Every change after `complete_after`, up to the present.
#[derive(Debug, Clone, Default)]
pub(super) struct Ring {
    /// The ring holds every change after this revision.
    complete_after: u64,
    changes: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    change: RevisedChange,
    /// The size on the wire.
    bytes: usize,
}

impl Ring {
    /// An empty ring that is complete after a revision.
    pub(super) fn after(revision: u64) -> Self {
        Self {
            complete_after: revision,
            ..Self::default()
        }
    }

    /// Appends the next change and drops the oldest beyond the bounds.
    pub(super) fn push(&mut self, change: RevisedChange) {
        let bytes = v1::Change::from(&change.change).encoded_bytes();
        self.bytes += bytes;
        self.changes.push_back(Entry { change, bytes });
        while (self.changes.len() > MAX_CHANGES || self.bytes > MAX_BYTES)
            && let Some(oldest) = self.changes.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.complete_after = oldest.change.revision;
        }
    }

    /// The first changes after a revision, up to `limit` and one message, or none if the ring has dropped some of them.
    pub(super) fn since(&self, revision: u64, limit: usize) -> Option<Vec<RevisedChange>> {
        if revision < self.complete_after {
            return None;
        }
        let from = self.changes.partition_point(|entry| entry.change.revision <= revision);
        let mut bytes = 0;
        let fitting = self.changes.range(from..).take(limit).take_while(|entry| {
            let is_first = bytes == 0;
            bytes += entry.bytes;
            is_first || bytes <= MESSAGE_BYTES
        });
        Some(fitting.map(|entry| entry.change.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ig_core::configuration::Change;
    use ig_core::id::OrgId;
    use ig_testkit::builders;

    use super::*;

    fn change(revision: u64) -> RevisedChange {
        RevisedChange {
            revision,
            change: Change::DeleteOrganization(OrgId(1)),
        }
    }

    fn large(revision: u64, bytes: usize) -> RevisedChange {
        let mut integration = builders::integration(1, "order", "https://a.example/");
        integration.name = "x".repeat(bytes);
        RevisedChange {
            revision,
            change: Change::PutIntegration(Arc::new(integration)),
        }
    }

    fn revisions(changes: Option<Vec<RevisedChange>>) -> Option<Vec<u64>> {
        changes.map(|list| list.into_iter().map(|change| change.revision).collect())
    }

    #[test]
    fn ring_returns_changes_after_a_revision_in_order_and_in_batches() {
        let mut ring = Ring::after(3);
        (4..=9).for_each(|revision| ring.push(change(revision)));
        assert_eq!(revisions(ring.since(5, 3)), Some(vec![6, 7, 8]));
        assert_eq!(revisions(ring.since(9, 3)), Some(vec![]));
        assert_eq!(revisions(ring.since(2, 3)), None);
    }

    #[test]
    fn ring_drops_the_oldest_changes_and_reports_them_missing() {
        let mut ring = Ring::after(0);
        (1..=MAX_CHANGES as u64 + 2).for_each(|revision| ring.push(change(revision)));
        assert_eq!(revisions(ring.since(1, 1)), None);
        assert_eq!(revisions(ring.since(2, 1)), Some(vec![3]));
    }

    #[test]
    fn ring_bounds_large_changes_by_their_bytes() {
        let mut ring = Ring::after(0);
        (1..=40).for_each(|revision| ring.push(large(revision, MAX_BYTES / 4)));
        assert!(ring.bytes <= MAX_BYTES, "{}", ring.bytes);
        assert_eq!(revisions(ring.since(36, 10)), None);
        assert_eq!(revisions(ring.since(37, 10)), Some(vec![38]), "each fills a message");
        ring.push(large(41, 2 * MAX_BYTES));
        assert_eq!((ring.bytes, revisions(ring.since(40, 10))), (0, None));
        assert_eq!(revisions(ring.since(41, 10)), Some(vec![]));
    }

    #[test]
    fn ring_fills_messages_by_their_bytes() {
        let mut ring = Ring::after(0);
        (1..=9).for_each(|revision| ring.push(large(revision, MESSAGE_BYTES / 4)));
        assert_eq!(revisions(ring.since(0, 500)), Some(vec![1, 2, 3]));
    }
}
