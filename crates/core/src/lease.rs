//! Who holds which partitions, and how they are shared out.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::{Position, SourceId};
use crate::partition::{PARTITIONS, PartitionId};
use crate::rewind::Rewinds;

/// One life of a worker process; a restarted worker is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub String);

/// A partition's lease as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: PartitionId,
    /// Who holds it, if anybody does.
    pub owner: Option<WorkerId>,
    /// Rises with every claim; what an earlier holder writes is refused by it.
    pub epoch: u64,
    /// When the holder loses it unless it is renewed.
    pub expires_at: Timestamp,
    /// How far each source is done.
    pub checkpoints: BTreeMap<SourceId, Position>,
}

impl Lease {
    /// Whether anybody may claim it.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.owner.is_none() || self.expires_at <= now
    }
}

/// What came of an attempt to claim a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is ours, as this lease says.
    Won(Lease),
    /// Somebody else was faster.
    Lost,
}

/// A checkpoint to be stored on behalf of a lease's holder.
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

/// No worker reads so many positions between two times that it stores how far it has read.
pub const READ_SINCE: Position = 100_000;

/// How far a source was read by any worker so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMarks {
    /// Where it began.
    pub first: Position,
    /// The highest position that any worker has read; rows up to here may have been decided about.
    pub seen: Position,
    /// The tables that it has had.
    pub generations: Generations,
    /// The times that a person had it read again.
    pub rewinds: Rewinds,
}

/// How many partitions each of the live workers is to hold: as even as can be, decided alike by all of them.
pub fn fair_share(worker: &WorkerId, live: &BTreeSet<WorkerId>) -> usize {
    let others_before = live.iter().filter(|other| *other < worker).count();
    let workers = live.len() + usize::from(!live.contains(worker));
    let total = usize::from(PARTITIONS);
    total / workers + usize::from(others_before < total % workers)
}

/// What a worker does to come to its fair share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebalance {
    /// Claim up to so many free partitions.
    Claim(usize),
    /// Give back so many.
    Release(usize),
    /// Nothing.
    Keep,
}

/// Compares what a worker holds with what it is to hold.
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
        fn shares_add_up_to_all_partitions_and_differ_by_one_at_most(count in 1usize..100) {
            let live = workers(count);
            let shares: Vec<_> = live.iter().map(|worker| fair_share(worker, &live)).collect();
            prop_assert_eq!(shares.iter().sum::<usize>(), usize::from(PARTITIONS));
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn a_worker_that_is_alone_takes_all() {
        assert_eq!(fair_share(&WorkerId("w".into()), &BTreeSet::new()), usize::from(PARTITIONS));
    }
}
