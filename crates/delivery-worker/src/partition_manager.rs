//! Holds this worker's share of the partitions: claims free ones, renews those it holds, releases those beyond its share.
//!
//! Each round compares the state of the store with this worker's and does what is missing, so that every way of losing or winning a
//! partition takes the same code path.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ig_core::clock::Clock;
use ig_core::dedup::RETENTION;
use ig_core::id::{Position, SourceId};
use ig_core::lease::{Claim, Lease, Rebalance, WorkerId, fair_share, rebalance};
use ig_core::partition::PartitionId;
use ig_core::ports::{Journal, PartitionLeases, StoreError};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::checkpoints::Checkpoints;
use crate::dispatcher::Dispatcher;
use crate::local_lease::LocalLease;
use crate::metrics;
use crate::reader::SourceState;
use crate::recorder::Recorder;

mod source_start;

/// How long a closing partition waits for work in progress. The next holder repeats what takes longer.
const CLOSING_GRACE: Duration = Duration::from_secs(30);
/// The pause between two rounds while partitions are closing.
const CLOSING_INTERVAL: Duration = Duration::from_millis(100);
/// The pause between two rounds of a worker without partitions.
const IDLE_INTERVAL: Duration = Duration::from_millis(200);

/// A held partition, and the checkpoints of its sources when it was claimed.
struct HeldPartition {
    lease: Arc<LocalLease>,
    checkpoints: BTreeMap<SourceId, Position>,
    /// When it began to close before its release.
    closing_since: Option<Instant>,
}

impl HeldPartition {
    /// Whether its work has ended, or has had its time.
    fn may_be_released(&self) -> bool {
        let is_over = |since: Instant| self.lease.is_idle() || since.elapsed() >= CLOSING_GRACE;
        self.closing_since.is_some_and(is_over)
    }
}

/// What a partition manager works with.
pub(crate) struct PartitionManagerDependencies {
    /// The id of this run of the worker.
    pub worker: WorkerId,
    pub leases: Arc<dyn PartitionLeases>,
    /// Keeps the events seen before, for deduplication.
    pub journal: Arc<dyn Journal>,
    /// The sources that are read.
    pub sources: Vec<Arc<SourceState>>,
    /// Decides about events.
    pub dispatcher: Arc<Dispatcher>,
    /// Records deliveries and decisions.
    pub recorder: Recorder,
    pub clock: Arc<dyn Clock>,
    /// How long a lease lasts without being renewed.
    pub ttl: Duration,
}

/// Manages this worker's partitions.
pub(crate) struct PartitionManager {
    dependencies: PartitionManagerDependencies,
    checkpoints: Checkpoints,
    held: Mutex<BTreeMap<PartitionId, HeldPartition>>,
}

impl PartitionManager {
    /// A manager without partitions.
    pub(crate) fn new(dependencies: PartitionManagerDependencies) -> Arc<Self> {
        let checkpoints = Checkpoints::new(
            dependencies.worker.clone(),
            Arc::clone(&dependencies.leases),
            dependencies.sources.clone(),
        );
        Arc::new(Self {
            dependencies,
            checkpoints,
            held: Mutex::default(),
        })
    }

    /// How many partitions this worker holds.
    pub(crate) fn held_count(&self) -> usize {
        self.held.lock().values().filter(|held| held.lease.is_valid()).count()
    }

    /// Whether this worker holds a partition.
    pub(crate) fn holds(&self, partition: PartitionId) -> bool {
        self.held.lock().get(&partition).is_some_and(|held| held.lease.is_valid())
    }

    /// Runs rounds until `stop` fires.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            if let Err(error) = self.run_round().await {
                tracing::warn!(%error, "partitions cannot be kept; trying again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.interval()) => {}
            }
        }
    }

    /// A worker without partitions looks again soon: it has just started, or has just lost them all.
    fn interval(&self) -> Duration {
        if self.held_count() == 0 {
            IDLE_INTERVAL
        } else if self.held.lock().values().any(|held| held.closing_since.is_some()) {
            CLOSING_INTERVAL
        } else {
            self.dependencies.ttl / 5
        }
    }

    /// How many held partitions are not closing.
    fn open_count(&self) -> usize {
        let held = self.held.lock();
        let open = held
            .values()
            .filter(|held| held.lease.is_valid() && held.closing_since.is_none());
        open.count()
    }

    /// Saves checkpoints until `stop` fires.
    pub(crate) async fn save_checkpoints(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            self.save_moved_checkpoints().await;
        }
    }

    /// Waits for work in progress to be recorded, then releases all partitions.
    pub(crate) async fn drain(&self, idle: impl Fn() -> bool, timeout: Duration) {
        let until = Instant::now() + timeout;
        while !idle() && Instant::now() < until {
            if let Err(error) = self.renew_leases().await {
                tracing::warn!(%error, "partitions cannot be renewed while draining");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.dependencies.recorder.flush().await;
        self.save_moved_checkpoints().await;
        let all: Vec<_> = self.held.lock().keys().copied().collect();
        self.drop_partitions(&all);
        let worker = &self.dependencies.worker;
        let released = async {
            self.dependencies.leases.release(worker, &all).await?;
            self.dependencies.leases.leave(worker).await
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "partitions were not given back; they are free when their leases run out");
        }
    }

    async fn run_round(&self) -> Result<(), StoreError> {
        let live = self
            .dependencies
            .leases
            .heartbeat(
                &self.dependencies.worker,
                self.dependencies.clock.now(),
                self.dependencies.ttl,
            )
            .await?;
        self.renew_leases().await?;
        let share = fair_share(&self.dependencies.worker, &live);
        match rebalance(self.open_count(), share) {
            Rebalance::Claim(count) => self.claim_free(count).await?,
            Rebalance::Release(count) => self.close_highest(count),
            Rebalance::Keep => {}
        }
        self.release_closed().await?;
        metrics::set_held_partitions(self.held_count());
        Ok(())
    }

    async fn renew_leases(&self) -> Result<(), StoreError> {
        let requested_at = Instant::now();
        let owned = self
            .dependencies
            .leases
            .renew(
                &self.dependencies.worker,
                self.dependencies.clock.now(),
                self.dependencies.ttl,
            )
            .await?;
        let lost = self.extend_leases(&owned, requested_at);
        if !lost.is_empty() {
            tracing::warn!(partitions = lost.len(), "partitions were lost");
            self.drop_partitions(&lost);
        }
        self.release_orphans(&owned).await
    }

    /// Extends the leases that are still ours and returns those that are not. A lease that has run out is lost even if no other worker
    /// claimed the partition: its lanes have dropped their events.
    fn extend_leases(&self, owned: &BTreeSet<PartitionId>, requested_at: Instant) -> Vec<PartitionId> {
        let mut lost = Vec::new();
        for (partition, held) in self.held.lock().iter() {
            if owned.contains(partition) && held.lease.is_valid() {
                held.lease.extend(requested_at, self.dependencies.ttl);
            } else {
                lost.push(*partition);
            }
        }
        lost
    }

    /// A partition that the store leases to this worker, but that the worker does not hold, would stay idle. It is released and may be
    /// claimed anew.
    async fn release_orphans(&self, owned: &BTreeSet<PartitionId>) -> Result<(), StoreError> {
        let orphans: Vec<_> = {
            let held = self.held.lock();
            owned
                .iter()
                .copied()
                .filter(|partition| !held.contains_key(partition))
                .collect()
        };
        if orphans.is_empty() {
            return Ok(());
        }
        self.dependencies.leases.release(&self.dependencies.worker, &orphans).await
    }

    fn drop_partitions(&self, partitions: &[PartitionId]) {
        let mut held = self.held.lock();
        for partition in partitions {
            if let Some(held) = held.remove(partition) {
                held.lease.end();
            }
            for state in &self.dependencies.sources {
                state.tracker.drop_partition(*partition);
            }
        }
    }

    async fn claim_free(&self, count: usize) -> Result<(), StoreError> {
        let free = self.free_partitions().await?;
        if free.is_empty() {
            return Ok(());
        }
        // Deliveries sent under an earlier lease of ours are recorded before the same events are admitted again.
        self.dependencies.recorder.flush().await;
        let mut won = Vec::new();
        for partition in free.into_iter().take(count) {
            let requested_at = Instant::now();
            let claim = self.dependencies.leases.claim(
                &self.dependencies.worker,
                partition,
                self.dependencies.clock.now(),
                self.dependencies.ttl,
            );
            if let Claim::Won(lease) = claim.await? {
                won.push((lease, requested_at));
            }
        }
        if !won.is_empty() {
            let since = self.dependencies.clock.now() - RETENTION;
            self.dependencies
                .dispatcher
                .restore_seen(self.dependencies.journal.seen_since(since).await?);
            self.hold_partitions(won);
        }
        Ok(())
    }

    async fn free_partitions(&self) -> Result<Vec<PartitionId>, StoreError> {
        let leases = self.dependencies.leases.list().await?;
        let now = self.dependencies.clock.now();
        let free = leases.iter().filter(|lease| lease.is_free(now));
        Ok(free.map(|lease| lease.partition).collect())
    }

    fn hold_partitions(&self, won: Vec<(Lease, Instant)>) {
        tracing::info!(partitions = won.len(), "partitions were claimed");
        let mut held = self.held.lock();
        for (granted, requested_at) in won {
            let lease = Arc::new(LocalLease::new(
                granted.partition,
                granted.epoch,
                requested_at,
                self.dependencies.ttl,
            ));
            let checkpoints = granted.checkpoints;
            let partition = HeldPartition {
                lease,
                checkpoints,
                closing_since: None,
            };
            held.insert(granted.partition, partition);
        }
    }

    /// Lets no more work begin in the highest partitions. They are released when their work has ended: the next holder cannot know of
    /// deliveries in flight and would repeat them.
    fn close_highest(&self, count: usize) {
        let mut held = self.held.lock();
        let open = held.iter_mut().rev().filter(|(_, held)| held.closing_since.is_none());
        for (partition, held) in open.take(count) {
            held.closing_since = Some(Instant::now());
            held.lease.close();
            for state in &self.dependencies.sources {
                state.tracker.close_partition(*partition);
            }
        }
    }

    /// Releases the partitions whose work has ended and is recorded.
    async fn release_closed(&self) -> Result<(), StoreError> {
        let ready: Vec<_> = {
            let held = self.held.lock();
            let ready = held.iter().filter(|(_, held)| held.may_be_released());
            ready.map(|(partition, _)| *partition).collect()
        };
        if ready.is_empty() {
            return Ok(());
        }
        tracing::info!(partitions = ready.len(), "partitions are given back");
        self.dependencies.recorder.flush().await;
        self.save_moved_checkpoints().await;
        self.drop_partitions(&ready);
        self.dependencies.leases.release(&self.dependencies.worker, &ready).await
    }

    async fn save_moved_checkpoints(&self) {
        match self.checkpoints.save().await {
            Ok(refused) if refused.is_empty() => {}
            Ok(refused) => {
                tracing::warn!(
                    partitions = refused.len(),
                    "checkpoints were refused: others hold the partitions now"
                );
                self.drop_partitions(&refused);
            }
            Err(error) => tracing::warn!(%error, "checkpoints cannot be saved; trying again"),
        }
    }
}
