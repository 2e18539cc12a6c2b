//! Looks what is due, and gives it its turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use ig_core::clock::Timestamp;
use ig_core::id::OrgId;
use ig_core::ports::StoreError;
use ig_core::scheduled::{DueDelivery, ScheduledDelivery};
use ig_service::{TaskKind, Tasks};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backlog::MOST_OF_ONE;
use crate::delivering::Deliveries;
use crate::metrics;

/// How many due rows are read at once.
const READ: usize = 20_000;
/// How many are claimed together.
const CLAIMED: usize = 64;
/// What a claim costs is shared by those for which a place becomes free meanwhile.
const BETWEEN_CLAIMS: Duration = Duration::from_millis(5);
/// A timer that a held or a changed clock may have made wrong is not trusted for longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How far ahead is looked for the earliest row, step by step: what lies within narrow bounds is found quickly.
const AHEAD: [TimeDelta; 3] = [TimeDelta::seconds(1), TimeDelta::seconds(8), TimeDelta::seconds(64)];

/// The one who looks.
pub(crate) struct Looking {
    deliveries: Arc<Deliveries>,
    tasks: Tasks,
    poll: Duration,
    /// Everything that is due up to here is known, or known to be behind.
    looked_to: Timestamp,
    /// When the next row is due, as far as that is known.
    next_due: Option<Timestamp>,
    next_poll: Instant,
    last_claim: Instant,
}

impl Looking {
    /// Nothing has been looked at.
    pub(crate) fn new(deliveries: Arc<Deliveries>, tasks: Tasks, poll: Duration) -> Self {
        Self {
            deliveries,
            tasks,
            poll,
            looked_to: DateTime::UNIX_EPOCH,
            next_due: None,
            next_poll: Instant::now(),
            last_claim: Instant::now(),
        }
    }

    /// Looks until told to stop; `alive` is called each time.
    pub(crate) async fn run(mut self, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            if let Err(error) = self.turn().await {
                tracing::warn!(%error, "what is due cannot be looked at; trying again");
                self.next_due = Some(self.now() + TRY_AGAIN);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.pause() => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.deliveries.clock.now()
    }

    async fn turn(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        if let Some(earliest) = self.deliveries.wake.take() {
            self.looked_to = self.looked_to.min(earliest - TimeDelta::milliseconds(1));
            self.next_due = Some(self.next_due.map_or(earliest, |due| due.min(earliest)));
        }
        if Instant::now() >= self.next_poll {
            // Whatever nobody told of is found now at the latest.
            self.looked_to = DateTime::UNIX_EPOCH;
            self.next_due = Some(now);
            self.next_poll = Instant::now() + self.poll;
        }
        if self.next_due.is_some_and(|due| due <= now) {
            self.look(now).await?;
            self.looked_to = now;
            self.next_due = self.earliest_after(now).await?;
        }
        self.read_on(now);
        self.start();
        Ok(())
    }

    /// Takes in what became due since the last look. Where there is more than is read at once, those who have much are passed over, so
    /// that those who have little are found.
    async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut without: Vec<OrgId> = Vec::new();
        loop {
            let found = self.deliveries.store.due(self.looked_to, now, &without, READ).await?;
            let is_all = found.len() < READ;
            let orgs: BTreeSet<_> = found.iter().map(|due| due.org_id).collect();
            let mut backlog = self.deliveries.backlog.lock();
            backlog.offer(found);
            if is_all {
                return Ok(());
            }
            backlog.fell_behind(orgs.iter().copied());
            drop(backlog);
            without.extend(orgs);
        }
    }

    /// Whoever has more due than waits in memory is read on beside all else: to read much takes a while.
    fn read_on(&self, now: Timestamp) {
        for org in self.deliveries.backlog.lock().next_to_read_on() {
            let deliveries = Arc::clone(&self.deliveries);
            self.tasks.spawn("reading on", TaskKind::OneShot, async move {
                let found = deliveries.store.due_of(org, now, MOST_OF_ONE).await;
                let found = found.inspect_err(|error| tracing::warn!(%error, %org, "what is due cannot be read on"));
                let found = found.ok().map(|found| {
                    let is_all = found.len() < MOST_OF_ONE;
                    (found, is_all)
                });
                deliveries.backlog.lock().was_read_on(org, found);
                deliveries.wake.now();
            });
        }
    }

    async fn earliest_after(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut after = now;
        for step in AHEAD {
            let until = now + step;
            if let Some(at) = self.deliveries.store.earliest(after, until).await? {
                return Ok(Some(at));
            }
            after = until;
        }
        // Nothing is due for a while; looking further than that is left to then.
        Ok(Some(after))
    }

    /// Has begun what may begin. Claims are made beside each other, so that none waits for the database on behalf of another.
    fn start(&mut self) {
        if self.last_claim.elapsed() < BETWEEN_CLAIMS {
            return;
        }
        let most = self.deliveries.workers_take().min(CLAIMED);
        let (picked, waiting) = {
            let mut backlog = self.deliveries.backlog.lock();
            (backlog.pick(most), backlog.len())
        };
        metrics::waiting(waiting);
        if picked.is_empty() {
            return;
        }
        self.last_claim = Instant::now();
        let (deliveries, tasks) = (Arc::clone(&self.deliveries), self.tasks.clone());
        let claiming = async move { begin(deliveries, &tasks, &picked).await };
        self.tasks.spawn("claiming deliveries", TaskKind::OneShot, claiming);
    }

    /// Waits for the next row's time, the next poll, or a wish.
    async fn pause(&self) {
        let until_due = self.next_due.map(|due| (due - self.now()).to_std().unwrap_or_default());
        let until_poll = self.next_poll.saturating_duration_since(Instant::now());
        let longest = until_due.map_or(until_poll, |due| due.min(until_poll)).min(LONGEST_SLEEP);
        let longest = self.deliveries.workers_pause().map_or(longest, |pause| pause.min(longest));
        tokio::select! {
            () = tokio::time::sleep(longest) => {}
            () = self.deliveries.wake.wished() => {}
        }
        if let Some(early) = BETWEEN_CLAIMS.checked_sub(self.last_claim.elapsed()) {
            tokio::time::sleep(early).await;
        }
    }
}

/// Claims deliveries and begins with those that are ours; what cannot be claimed is looked for again after a while.
async fn begin(deliveries: Arc<Deliveries>, tasks: &Tasks, picked: &[DueDelivery]) {
    let ids: Vec<_> = picked.iter().map(|due| due.id).collect();
    match deliveries.claim(&ids).await {
        Ok(claimed) => {
            let ours: BTreeSet<_> = claimed.iter().map(|delivery| delivery.id).collect();
            let lost = ids.iter().filter(|id| !ours.contains(id));
            let mut backlog = deliveries.backlog.lock();
            lost.for_each(|id| backlog.done(*id));
            drop(backlog);
            if claimed.len() < ids.len() {
                // Their places are free.
                deliveries.wake.now();
            }
            for delivery in claimed {
                make(&deliveries, tasks, delivery);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "what is due cannot be claimed; trying again");
            tokio::time::sleep(TRY_AGAIN).await;
            let mut backlog = deliveries.backlog.lock();
            for id in ids {
                backlog.done(id);
            }
            drop(backlog);
            for due in picked {
                deliveries.wake.at(due.due_at);
            }
        }
    }
}

fn make(deliveries: &Arc<Deliveries>, tasks: &Tasks, delivery: ScheduledDelivery) {
    let deliveries = Arc::clone(deliveries);
    let making = async move { deliveries.make(delivery).await };
    tasks.spawn("scheduled delivery", TaskKind::OneShot, making);
}
