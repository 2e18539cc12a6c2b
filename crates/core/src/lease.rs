//! Partition leases: which worker holds which partitions, and how they are balanced.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::{Position, SourceId};
use crate::partition::{PARTITIONS, PartitionId};
use crate::rewind::Rewinds;

/// One life of a worker process; a restarted worker has another id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub String);

/// A partition's lease as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: PartitionId,
    /// The holder, if any.
    pub owner: Option<WorkerId>,
    /// Rises with every claim, and fences off writes of earlier holders.
    pub epoch: u64,
    /// When the lease expires unless it is renewed.
    pub expires_at: Timestamp,
    /// The checkpoint of each source.
    pub checkpoints: BTreeMap<SourceId, Position>,
}

impl Lease {
    /// Whether a worker may claim it.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.owner.is_none() || self.expires_at <= now
    }
}

/// The result of an attempt to claim a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The worker holds it under this lease.
    Won(Lease),
    /// Another worker was faster.
    Lost,
}

/// A checkpoint to store on behalf of the holder of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The partition.
    pub partition: PartitionId,
    /// The epoch under which the writer holds it.
    pub epoch: u64,
    /// The source.
    pub source: SourceId,
    /// Everything up to here is done.
    pub position: Position,
}

/// No worker reads this many positions between two stores of how far it has read.
pub const MAX_UNSAVED_READ: Position = 100_000;

/// How far workers have read a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMarks {
    /// Where the source began.
    pub first: Position,
    /// The highest position that any worker has read; rows up to here may have a decision.
    pub highest_read: Position,
    /// Its generations.
    pub generations: Generations,
    /// Its rewinds.
    pub rewinds: Rewinds,
}

/// How many partitions a worker should hold: as even as possible, and computed alike by all workers.
pub fn fair_share(worker: &WorkerId, live: &BTreeSet<WorkerId>) -> usize {
    let others_before = live.iter().filter(|other| *other < worker).count();
    let workers = live.len() + usize::from(!live.contains(worker));
    let total = usize::from(PARTITIONS);
    total / workers + usize::from(others_before < total % workers)
}

/// What a worker does to reach its fair share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebalance {
    /// Claim up to this many free partitions.
    Claim(usize),
    /// Release this many partitions.
    Release(usize),
    /// Nothing.
    Keep,
}

/// Compares the number of held partitions with the fair share.
pub fn rebalance(held: usize, share: usize) -> Rebalance {
    match held.cmp(&share) {
        std::cmp::Ordering::Less => Rebalance::Claim(share - held),
        std::cmp::Ordering::Greater => Rebalance::Release(held - share),
        std::cmp::Ordering::Equal => Rebalance::Keep,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn workers(count: usize) -> BTreeSet<WorkerId> {
        (0..count).map(|n| WorkerId(format!("w{n:03}"))).collect()
    }

    proptest! {
        #[test]
        fn fair_shares_add_up_to_all_partitions_and_differ_by_one_at_most(count in 1usize..100) {
            let live = workers(count);
            let shares: Vec<_> = live.iter().map(|worker| fair_share(worker, &live)).collect();
            prop_assert_eq!(shares.iter().sum::<usize>(), usize::from(PARTITIONS));
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn a_single_worker_takes_all_partitions() {
        assert_eq!(fair_share(&WorkerId("w".into()), &BTreeSet::new()), usize::from(PARTITIONS));
    }
}
