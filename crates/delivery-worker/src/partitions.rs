//! Holds this worker's share of the partitions: claims what is free, renews what is held, gives back what is too much.
//!
//! Each round looks at the world and does what is missing, so that every way of losing or winning a partition ends in the same code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::clock::Clock;
use ig_core::dedup::REMEMBERED;
use ig_core::id::{Position, SourceId};
use ig_core::lease::{Claim, Lease, Rebalance, WorkerId, fair_share, rebalance};
use ig_core::partition::PartitionId;
use ig_core::ports::{Journal, PartitionLeases, StoreError};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::checkpoints::Checkpoints;
use crate::dispatcher::Dispatch;
use crate::held_lease::Tenure;
use crate::metrics;
use crate::reader::SourceState;
use crate::recorder::Recorder;

mod source_start;

/// What was begun for a partition may take so long before it is given back; whoever holds it next sends again what takes longer.
const LAST_WORK: Duration = Duration::from_secs(30);
/// Between two rounds of a worker that is about to give partitions back.
const CLOSING: Duration = Duration::from_millis(100);
/// Between two rounds of a worker that holds nothing.
const EMPTY_HANDED: Duration = Duration::from_millis(200);

/// A partition that is held, and how far its sources were done when it was claimed.
struct HeldPartition {
    tenure: Arc<Tenure>,
    checkpoints: BTreeMap<SourceId, Position>,
    /// Since when it is about to be given back.
    closing_since: Option<Instant>,
}

impl HeldPartition {
    /// Whether all that was begun has ended, or has had its time.
    fn may_go(&self) -> bool {
        let is_over = |since: Instant| self.tenure.is_idle() || since.elapsed() >= LAST_WORK;
        self.closing_since.is_some_and(is_over)
    }
}

/// What a keeper works with.
pub(crate) struct KeeperParts {
    /// This life of the worker.
    pub worker: WorkerId,
    /// Where leases are kept.
    pub leases: Arc<dyn PartitionLeases>,
    /// Where seen events are remembered.
    pub journal: Arc<dyn Journal>,
    /// What is read.
    pub sources: Vec<Arc<SourceState>>,
    /// Who decides about events.
    pub dispatch: Arc<Dispatch>,
    /// Who writes things down.
    pub recorder: Recorder,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long a partition stays held without being renewed.
    pub ttl: Duration,
}

/// Keeps this worker's partitions.
pub(crate) struct Keeper {
    parts: KeeperParts,
    checkpoints: Checkpoints,
    held: Mutex<BTreeMap<PartitionId, HeldPartition>>,
}

impl Keeper {
    /// A keeper that holds nothing yet.
    pub(crate) fn new(parts: KeeperParts) -> Arc<Self> {
        let checkpoints = Checkpoints::new(parts.worker.clone(), Arc::clone(&parts.leases), parts.sources.clone());
        Arc::new(Self {
            parts,
            checkpoints,
            held: Mutex::default(),
        })
    }

    /// How many partitions are held.
    pub(crate) fn held(&self) -> usize {
        self.held.lock().values().filter(|held| held.tenure.holds()).count()
    }

    /// Whether a partition is held.
    pub(crate) fn holds(&self, partition: PartitionId) -> bool {
        self.held.lock().get(&partition).is_some_and(|held| held.tenure.holds())
    }

    /// Keeps partitions until told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "partitions cannot be kept; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
    }

    /// A worker that holds nothing looks again soon: it has just started, or has just lost everything.
    fn pause(&self) -> Duration {
        if self.held() == 0 {
            EMPTY_HANDED
        } else if self.held.lock().values().any(|held| held.closing_since.is_some()) {
            CLOSING
        } else {
            self.parts.ttl / 5
        }
    }

    /// How many partitions are held and not about to be given back.
    fn kept(&self) -> usize {
        let held = self.held.lock();
        let kept = held
            .values()
            .filter(|held| held.tenure.holds() && held.closing_since.is_none());
        kept.count()
    }

    /// Saves checkpoints until told to stop.
    pub(crate) async fn save_checkpoints(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            self.save().await;
        }
    }

    /// Gives everything back, once what is under way is written down.
    pub(crate) async fn farewell(&self, idle: impl Fn() -> bool, patience: Duration) {
        let until = Instant::now() + patience;
        while !idle() && Instant::now() < until {
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "partitions cannot be renewed while draining");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.parts.recorder.settled().await;
        self.save().await;
        let all: Vec<_> = self.held.lock().keys().copied().collect();
        self.forget_all(&all);
        let worker = &self.parts.worker;
        let goodbye = async {
            self.parts.leases.release(worker, &all).await?;
            self.parts.leases.leave(worker).await
        };
        if let Err(error) = goodbye.await {
            tracing::warn!(%error, "partitions were not given back; they are free when their leases run out");
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let live = self
            .parts
            .leases
            .heartbeat(&self.parts.worker, self.parts.clock.now(), self.parts.ttl)
            .await?;
        self.renew().await?;
        let share = fair_share(&self.parts.worker, &live);
        match rebalance(self.kept(), share) {
            Rebalance::Claim(count) => self.claim(count).await?,
            Rebalance::Release(count) => self.close(count),
            Rebalance::Keep => {}
        }
        self.give_back().await?;
        metrics::partitions_held(self.held());
        Ok(())
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        let ours = self
            .parts
            .leases
            .renew(&self.parts.worker, self.parts.clock.now(), self.parts.ttl)
            .await?;
        let lost = self.prolong(&ours, asked);
        if !lost.is_empty() {
            tracing::warn!(partitions = lost.len(), "partitions were lost");
            self.forget_all(&lost);
        }
        self.release_strays(&ours).await
    }

    /// Prolongs what is still ours and says what is not. A tenure that has run out is over even if nobody else took the partition:
    /// its lanes have let go of their events.
    fn prolong(&self, ours: &BTreeSet<PartitionId>, asked: Instant) -> Vec<PartitionId> {
        let mut lost = Vec::new();
        for (partition, held) in self.held.lock().iter() {
            if ours.contains(partition) && held.tenure.holds() {
                held.tenure.prolong(asked, self.parts.ttl);
            } else {
                lost.push(*partition);
            }
        }
        lost
    }

    /// What the store says is ours though we do not hold it would be nobody's business: it is given back, and may be claimed anew.
    async fn release_strays(&self, ours: &BTreeSet<PartitionId>) -> Result<(), StoreError> {
        let strays: Vec<_> = {
            let held = self.held.lock();
            ours.iter()
                .copied()
                .filter(|partition| !held.contains_key(partition))
                .collect()
        };
        if strays.is_empty() {
            return Ok(());
        }
        self.parts.leases.release(&self.parts.worker, &strays).await
    }

    fn forget_all(&self, partitions: &[PartitionId]) {
        let mut held = self.held.lock();
        for partition in partitions {
            if let Some(held) = held.remove(partition) {
                held.tenure.end();
            }
            for state in &self.parts.sources {
                state.tracker.drop_partition(*partition);
            }
        }
    }

    async fn claim(&self, count: usize) -> Result<(), StoreError> {
        let free = self.free().await?;
        if free.is_empty() {
            return Ok(());
        }
        // What an earlier hold of ours sent is written down before the same events are taken up again.
        self.parts.recorder.settled().await;
        let mut won = Vec::new();
        for partition in free.into_iter().take(count) {
            let asked = Instant::now();
            let claim = self
                .parts
                .leases
                .claim(&self.parts.worker, partition, self.parts.clock.now(), self.parts.ttl);
            if let Claim::Won(lease) = claim.await? {
                won.push((lease, asked));
            }
        }
        if !won.is_empty() {
            let since = self.parts.clock.now() - REMEMBERED;
            self.parts.dispatch.restore_seen(self.parts.journal.seen_since(since).await?);
            self.hold(won);
        }
        Ok(())
    }

    async fn free(&self) -> Result<Vec<PartitionId>, StoreError> {
        let leases = self.parts.leases.list().await?;
        let now = self.parts.clock.now();
        let free = leases.iter().filter(|lease| lease.is_free(now));
        Ok(free.map(|lease| lease.partition).collect())
    }

    fn hold(&self, won: Vec<(Lease, Instant)>) {
        tracing::info!(partitions = won.len(), "partitions were claimed");
        let mut held = self.held.lock();
        for (lease, asked) in won {
            let tenure = Arc::new(Tenure::new(lease.partition, lease.epoch, asked, self.parts.ttl));
            let checkpoints = lease.checkpoints;
            let partition = HeldPartition {
                tenure,
                checkpoints,
                closing_since: None,
            };
            held.insert(lease.partition, partition);
        }
    }

    /// Begins nothing more for the highest partitions. They are given back when what was begun has ended: what is in flight would be
    /// sent again by their next holder, who cannot know of it.
    fn close(&self, count: usize) {
        let mut held = self.held.lock();
        let open = held.iter_mut().rev().filter(|(_, held)| held.closing_since.is_none());
        for (partition, held) in open.take(count) {
            held.closing_since = Some(Instant::now());
            held.tenure.close();
            for state in &self.parts.sources {
                state.tracker.close(*partition);
            }
        }
    }

    /// Gives back what nothing is being worked on for any more, once what came of it is written down.
    async fn give_back(&self) -> Result<(), StoreError> {
        let ready: Vec<_> = {
            let held = self.held.lock();
            let ready = held.iter().filter(|(_, held)| held.may_go());
            ready.map(|(partition, _)| *partition).collect()
        };
        if ready.is_empty() {
            return Ok(());
        }
        tracing::info!(partitions = ready.len(), "partitions are given back");
        self.parts.recorder.settled().await;
        self.save().await;
        self.forget_all(&ready);
        self.parts.leases.release(&self.parts.worker, &ready).await
    }

    async fn save(&self) {
        match self.checkpoints.save().await {
            Ok(refused) if refused.is_empty() => {}
            Ok(refused) => {
                tracing::warn!(
                    partitions = refused.len(),
                    "checkpoints were refused: others hold the partitions now"
                );
                self.forget_all(&refused);
            }
            Err(error) => tracing::warn!(%error, "checkpoints cannot be saved; trying again"),
        }
    }
}
