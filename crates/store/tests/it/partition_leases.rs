//! The contract of leases.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::stored::moment;
use futures::future::join_all;
use ig_core::clock::Timestamp;
use ig_core::id::SourceId;
use ig_core::lease::{Checkpoint, Claim, Lease, WorkerId};
use ig_core::partition::PartitionId;
use ig_core::ports::PartitionLeases;
use ig_store::{MongoLeases, Store};

use crate::stored::Stored;

const TTL: Duration = Duration::from_secs(10);

fn worker(name: &str) -> WorkerId {
    WorkerId(name.to_owned())
}

fn partition(number: u8) -> PartitionId {
    PartitionId::new(number).unwrap()
}

fn at(epoch: u64, source: &str, position: u64) -> Checkpoint {
    Checkpoint {
        partition: partition(3),
        epoch,
        source: SourceId::new(source),
        position,
    }
}

async fn claim(leases: &MongoLeases, name: &str, now: Timestamp) -> Claim {
    leases.claim(&worker(name), partition(3), now, TTL).await.unwrap()
}

async fn won(leases: &MongoLeases, name: &str, now: Timestamp) -> Lease {
    match claim(leases, name, now).await {
        Claim::Won(lease) => lease,
        Claim::Lost => panic!("{name} lost a free partition"),
    }
}

async fn stored_position(leases: &MongoLeases, source: &str) -> Option<u64> {
    leases.list().await.unwrap()[3]
        .checkpoints
        .get(&SourceId::new(source))
        .copied()
}

#[tokio::test]
async fn partition_leases_are_all_free_at_first() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases().list().await.unwrap();
    assert_eq!(
        leases.iter().map(|lease| lease.partition).collect::<Vec<_>>(),
        PartitionId::all().collect::<Vec<_>>()
    );
    assert!(leases.iter().all(|lease| lease.is_free(moment(0)) && lease.epoch == 0));
}

#[tokio::test]
async fn partition_claimed_by_many_at_once_has_one_owner() {
    let stored = Stored::fresh().await;
    let stores = [stored.another().await, stored.another().await];
    let leases: Vec<_> = stores.iter().map(Store::partition_leases).collect();
    let workers: Vec<_> = (0..16).map(|number| worker(&format!("w{number}"))).collect();
    for partition in PartitionId::all() {
        let claims = workers.iter().zip(leases.iter().cycle());
        let claims = claims.map(|(worker, leases)| leases.claim(worker, partition, moment(0), TTL));
        let claims: Vec<_> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
        let won = claims.iter().filter(|claim| **claim != Claim::Lost).count();
        assert_eq!(won, 1, "{claims:?}");
    }
}

#[tokio::test]
async fn lease_is_claimed_by_another_worker_only_after_expiry_or_release() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let first = won(&leases, "a", moment(0)).await;
    assert_eq!(
        (first.epoch, first.owner, first.expires_at),
        (1, Some(worker("a")), moment(10))
    );
    assert_eq!(claim(&leases, "b", moment(9)).await, Claim::Lost);
    assert_eq!(won(&leases, "b", moment(10)).await.epoch, 2);
    leases.release(&worker("a"), &[partition(3)]).await.unwrap();
    assert_eq!(
        claim(&leases, "c", moment(11)).await,
        Claim::Lost,
        "who does not hold it cannot give it back"
    );
    leases.release(&worker("b"), &[partition(3)]).await.unwrap();
    assert_eq!(won(&leases, "c", moment(11)).await.epoch, 3);
}

#[tokio::test]
async fn lease_renewal_extends_held_leases_and_no_expired_ones() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    won(&leases, "a", moment(0)).await;
    assert_eq!(
        leases.renew(&worker("a"), moment(8), TTL).await.unwrap(),
        BTreeSet::from([partition(3)])
    );
    assert_eq!(claim(&leases, "b", moment(17)).await, Claim::Lost);
    assert_eq!(leases.renew(&worker("a"), moment(18), TTL).await.unwrap(), BTreeSet::new());
    assert_eq!(leases.list().await.unwrap()[3].expires_at, moment(18));
}

#[tokio::test]
async fn lease_holder_that_froze_beyond_its_lease_can_neither_renew_nor_save_nor_move_back() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let frozen = won(&leases, "a", moment(0)).await;
    assert_eq!(
        leases.save(&worker("a"), &[at(frozen.epoch, "mysql", 100)]).await.unwrap(),
        []
    );
    let next = won(&leases, "b", moment(20)).await;
    assert_eq!(
        next.checkpoints[&SourceId::new("mysql")],
        100,
        "the next holder goes on where the first stopped"
    );
    leases.save(&worker("b"), &[at(next.epoch, "mysql", 150)]).await.unwrap();
    // It wakes with a clock that still shows the old time.
    assert_eq!(leases.renew(&worker("a"), moment(1), TTL).await.unwrap(), BTreeSet::new());
    for position in [120, 999] {
        let late = at(frozen.epoch, "mysql", position);
        assert_eq!(leases.save(&worker("a"), std::slice::from_ref(&late)).await.unwrap(), [late]);
    }
    assert_eq!(stored_position(&leases, "mysql").await, Some(150));
    assert_eq!(leases.list().await.unwrap()[3].owner, Some(worker("b")));
}

#[tokio::test]
async fn lease_of_an_earlier_epoch_of_the_same_worker_is_refused_too() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let earlier = won(&leases, "a", moment(0)).await;
    won(&leases, "b", moment(20)).await;
    let later = won(&leases, "a", moment(40)).await;
    let (old, new) = (at(earlier.epoch, "mysql", 500), at(later.epoch, "mysql", 7));
    assert_eq!(leases.save(&worker("a"), &[old.clone(), new]).await.unwrap(), [old]);
    assert_eq!(stored_position(&leases, "mysql").await, Some(7));
}

#[tokio::test]
async fn checkpoints_of_all_partitions_and_sources_are_stored_at_once_and_none_moves_back() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let mut checkpoints = Vec::new();
    for partition in PartitionId::all() {
        assert_ne!(
            leases.claim(&worker("a"), partition, moment(0), TTL).await.unwrap(),
            Claim::Lost
        );
        for source in ["mysql", "push", "a.b$c"] {
            let source = SourceId::new(source);
            checkpoints.push(Checkpoint {
                partition,
                epoch: 1,
                source,
                position: 10 + u64::from(partition.number()),
            });
        }
    }
    assert_eq!(leases.save(&worker("a"), &checkpoints).await.unwrap(), []);
    let back: Vec<_> = checkpoints
        .iter()
        .cloned()
        .map(|checkpoint| Checkpoint {
            position: 1,
            ..checkpoint
        })
        .collect();
    assert_eq!(leases.save(&worker("a"), &back).await.unwrap(), []);
    for lease in leases.list().await.unwrap() {
        let expected = 10 + u64::from(lease.partition.number());
        assert_eq!(lease.checkpoints.len(), 3);
        assert!(lease.checkpoints.values().all(|position| *position == expected), "{lease:?}");
    }
    assert_eq!(leases.save(&worker("a"), &[]).await.unwrap(), []);
}

#[tokio::test]
async fn worker_is_live_for_all_until_its_heartbeat_expires_or_it_leaves() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    leases.heartbeat(&worker("a"), moment(0), TTL).await.unwrap();
    let both = leases.heartbeat(&worker("b"), moment(5), TTL).await.unwrap();
    assert_eq!(both, [worker("a"), worker("b")].into());
    let one = leases.heartbeat(&worker("b"), moment(11), TTL).await.unwrap();
    assert_eq!(one, [worker("b")].into());
    leases.heartbeat(&worker("a"), moment(12), TTL).await.unwrap();
    leases.leave(&worker("b")).await.unwrap();
    assert_eq!(
        leases.heartbeat(&worker("a"), moment(13), TTL).await.unwrap(),
        [worker("a")].into()
    );
}

#[tokio::test]
async fn source_begins_once_for_all_workers() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let source = SourceId::new("mysql");
    let begun = join_all((1..=8).map(|position| leases.start_source(&source, position))).await;
    let begun: BTreeSet<_> = begun.into_iter().map(|begun| begun.unwrap().first).collect();
    assert_eq!(begun.len(), 1, "{begun:?}");
    let position = *begun.first().unwrap();
    assert_eq!(leases.start_source(&source, 99).await.unwrap().first, position);
    assert_eq!(leases.start_source(&SourceId::new("push"), 99).await.unwrap().first, 99);
    assert_eq!(leases.list().await.unwrap().len(), 64, "sources are no partitions");
    for seen in [70, 40] {
        leases.save_highest_read(&source, seen).await.unwrap();
    }
    assert_eq!(leases.start_source(&source, 99).await.unwrap().highest_read, 70);
}

#[tokio::test]
async fn rewind_leaves_a_partition_that_has_not_moved_since_its_source_began() {
    let stored = Stored::fresh().await;
    let leases = stored.store.partition_leases();
    let source = SourceId::new("mysql");
    leases.start_source(&source, 10).await.unwrap();
    let holder = won(&leases, "a", moment(0)).await;
    leases.save(&worker("a"), &[at(holder.epoch, "mysql", 100)]).await.unwrap();
    leases.rewind(&source, 50).await.unwrap();
    let rewound = leases.list().await.unwrap();
    assert_eq!(rewound[3].checkpoints.get(&source), Some(&50));
    assert_eq!(rewound[4].checkpoints.get(&source), None, "it goes on where the source began");
    assert!(rewound.iter().all(|lease| lease.owner.is_none() && lease.epoch > 0));
}
