//! Which workers hold which partitions, and how far each source is read, from leases and checkpoints.

use std::collections::BTreeMap;

use ig_core::clock::Timestamp;
use ig_core::id::{Position, SourceId};
use ig_core::lease::{Lease, WorkerId};
use ig_core::ports::{PartitionLeases as _, PushedEvents as _, StoreError};
use ig_store::Store;

use crate::PUSH;
use crate::document::{SourceEntry, WorkerEntry, Workers};

/// Reads the leases, their holders and their checkpoints.
pub(super) async fn read(store: &Store, now: Timestamp) -> Result<Workers, StoreError> {
    let (leases, pushed) = (store.partition_leases(), store.pushed_events());
    // The head is read last, so that no checkpoint seems to be beyond it.
    let leases = leases.list().await?;
    let heads = BTreeMap::from([(SourceId::new(PUSH), pushed.head().await?)]);
    Ok(summarize(&leases, &heads, now))
}

fn summarize(leases: &[Lease], heads: &BTreeMap<SourceId, Position>, now: Timestamp) -> Workers {
    let mut holders = BTreeMap::<&WorkerId, u64>::new();
    for lease in leases.iter().filter(|lease| !lease.is_free(now)) {
        if let Some(owner) = &lease.owner {
            *holders.entry(owner).or_default() += 1;
        }
    }
    Workers {
        partitions: leases.len() as u64,
        held: holders.values().sum(),
        holders: holders
            .into_iter()
            .map(|(id, partitions)| WorkerEntry {
                id: id.0.clone(),
                partitions,
            })
            .collect(),
        sources: sources(leases, heads),
    }
}

/// Every source that some partition has a checkpoint of, by name.
fn sources(leases: &[Lease], heads: &BTreeMap<SourceId, Position>) -> Vec<SourceEntry> {
    let mut reached = BTreeMap::<&SourceId, Vec<Position>>::new();
    for (source, position) in leases.iter().flat_map(|lease| &lease.checkpoints) {
        reached.entry(source).or_default().push(*position);
    }
    let entries = reached.into_iter().map(|(source, positions)| {
        let slowest = positions.iter().copied().min().unwrap_or_default();
        let farthest = positions.iter().copied().max().unwrap_or_default();
        let head = heads.get(source).copied();
        SourceEntry {
            source: source.to_string(),
            slowest,
            farthest,
            head,
            behind: head.unwrap_or(farthest).saturating_sub(slowest),
        }
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ig_core::partition::PartitionId;

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn lease(number: u8, owner: Option<&str>, expires: i64, checkpoints: &[(&str, u64)]) -> Lease {
        Lease {
            partition: PartitionId::new(number).unwrap(),
            owner: owner.map(|owner| WorkerId(owner.to_owned())),
            epoch: 1,
            expires_at: at(expires),
            checkpoints: checkpoints
                .iter()
                .map(|(source, position)| (SourceId::new(*source), *position))
                .collect(),
        }
    }

    #[test]
    fn workers_overview_skips_expired_leases_and_reports_the_slowest_partition() {
        let leases = [
            lease(0, Some("a"), 20, &[("push", 5), ("mysql", 70)]),
            lease(1, Some("a"), 20, &[("push", 9)]),
            lease(2, Some("b"), 10, &[("mysql", 50)]),
            lease(3, None, 0, &[]),
        ];
        let workers = summarize(&leases, &BTreeMap::from([(SourceId::new("push"), 12)]), at(10));
        assert_eq!((workers.partitions, workers.held), (4, 2));
        let expected = WorkerEntry {
            id: "a".to_owned(),
            partitions: 2,
        };
        assert_eq!(workers.holders, [expected]);
        let source = |source: &str, slowest, farthest, head, behind| SourceEntry {
            source: source.to_owned(),
            slowest,
            farthest,
            head,
            behind,
        };
        assert_eq!(
            workers.sources,
            [source("mysql", 50, 70, None, 20), source("push", 5, 9, Some(12), 7)]
        );
    }
}
