//! Polls for due rows and claims them in fair order.

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

use crate::backlog::MAX_PER_ORG;
use crate::dispatcher::Dispatcher;
use crate::metrics;

/// Due rows per read.
const READ_LIMIT: usize = 20_000;
/// Rows per claim.
const CLAIM_BATCH: usize = 64;
/// Slots that become free within this interval share one claim, and its cost.
const CLAIM_INTERVAL: Duration = Duration::from_millis(5);
/// Bounds a sleep, because a held or changed clock can make its timer wrong.
const MAX_SLEEP: Duration = Duration::from_secs(5);
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Steps of the search for the next due row: a narrow range is found quickly.
const LOOKAHEAD: [TimeDelta; 3] = [TimeDelta::seconds(1), TimeDelta::seconds(8), TimeDelta::seconds(64)];

/// Reads due rows into the backlog, and claims those that get a slot.
pub(crate) struct Poller {
    dispatcher: Arc<Dispatcher>,
    tasks: Tasks,
    poll_interval: Duration,
    /// All rows due up to here are in the backlog, or their organisation is marked as having more.
    polled_to: Timestamp,
    /// The next known due time.
    next_due: Option<Timestamp>,
    next_poll: Instant,
    last_claim: Instant,
}

impl Poller {
    /// A poller that has not read anything yet.
    pub(crate) fn new(dispatcher: Arc<Dispatcher>, tasks: Tasks, poll_interval: Duration) -> Self {
        Self {
            dispatcher,
            tasks,
            poll_interval,
            polled_to: DateTime::UNIX_EPOCH,
            next_due: None,
            next_poll: Instant::now(),
            last_claim: Instant::now(),
        }
    }

    /// Polls until `stop`; calls `alive` on every turn.
    pub(crate) async fn run(mut self, stop: CancellationToken, alive: impl Fn()) {
        while !stop.is_cancelled() {
            alive();
            if let Err(error) = self.poll_once().await {
                tracing::warn!(%error, "what is due cannot be looked at; trying again");
                self.next_due = Some(self.now() + RETRY_DELAY);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.pause() => {}
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.dispatcher.clock.now()
    }

    async fn poll_once(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        if let Some(earliest) = self.dispatcher.wake.take_earliest() {
            self.polled_to = self.polled_to.min(earliest - TimeDelta::milliseconds(1));
            self.next_due = Some(self.next_due.map_or(earliest, |due| due.min(earliest)));
        }
        if Instant::now() >= self.next_poll {
            // The full poll finds rows for which no nudge arrived.
            self.polled_to = DateTime::UNIX_EPOCH;
            self.next_due = Some(now);
            self.next_poll = Instant::now() + self.poll_interval;
        }
        if self.next_due.is_some_and(|due| due <= now) {
            self.read_due(now).await?;
            self.polled_to = now;
            self.next_due = self.earliest_after(now).await?;
        }
        self.refill_backlog(now);
        self.claim_ready();
        Ok(())
    }

    /// Reads what became due since the last poll. While a read is full, the next one excludes the organisations found so far, so that
    /// small organisations are found behind large ones.
    async fn read_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut orgs_with_more: Vec<OrgId> = Vec::new();
        loop {
            let found = self
                .dispatcher
                .store
                .due(self.polled_to, now, &orgs_with_more, READ_LIMIT)
                .await?;
            let is_all = found.len() < READ_LIMIT;
            let orgs: BTreeSet<_> = found.iter().map(|due| due.org_id).collect();
            let mut backlog = self.dispatcher.backlog.lock();
            backlog.add_due(found);
            if is_all {
                return Ok(());
            }
            backlog.mark_orgs_with_more(orgs.iter().copied());
            drop(backlog);
            orgs_with_more.extend(orgs);
        }
    }

    /// Refills the backlog of organisations that have more due rows than fit, in the background: a large read takes a while.
    fn refill_backlog(&self, now: Timestamp) {
        for org in self.dispatcher.backlog.lock().orgs_to_refill() {
            let dispatcher = Arc::clone(&self.dispatcher);
            self.tasks.spawn("reading on", TaskKind::OneShot, async move {
                let found = dispatcher.store.due_of(org, now, MAX_PER_ORG).await;
                let found = found.inspect_err(|error| tracing::warn!(%error, %org, "what is due cannot be read on"));
                let found = found.ok().map(|found| {
                    let is_all = found.len() < MAX_PER_ORG;
                    (found, is_all)
                });
                dispatcher.backlog.lock().refill(org, found);
                dispatcher.wake.signal();
            });
        }
    }

    async fn earliest_after(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut after = now;
        for step in LOOKAHEAD {
            let until = now + step;
            if let Some(at) = self.dispatcher.store.earliest(after, until).await? {
                return Ok(Some(at));
            }
            after = until;
        }
        // Nothing is due within the lookahead; the search goes on from there later.
        Ok(Some(after))
    }

    /// Claims what may start now. Claims run concurrently, so that a slow write delays no other claim.
    fn claim_ready(&mut self) {
        if self.last_claim.elapsed() < CLAIM_INTERVAL {
            return;
        }
        let limit = self.dispatcher.worker_capacity().min(CLAIM_BATCH);
        let (picked, waiting) = {
            let mut backlog = self.dispatcher.backlog.lock();
            (backlog.pick_due(limit), backlog.len())
        };
        metrics::set_waiting(waiting);
        if picked.is_empty() {
            return;
        }
        self.last_claim = Instant::now();
        let (dispatcher, tasks) = (Arc::clone(&self.dispatcher), self.tasks.clone());
        let claiming = async move { claim_and_dispatch(dispatcher, &tasks, &picked).await };
        self.tasks.spawn("claiming deliveries", TaskKind::OneShot, claiming);
    }

    /// Waits for the next due time, the next poll or a wake signal.
    async fn pause(&self) {
        let until_due = self.next_due.map(|due| (due - self.now()).to_std().unwrap_or_default());
        let until_poll = self.next_poll.saturating_duration_since(Instant::now());
        let sleep = until_due.map_or(until_poll, |due| due.min(until_poll)).min(MAX_SLEEP);
        let sleep = self.dispatcher.worker_backoff().map_or(sleep, |pause| pause.min(sleep));
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = self.dispatcher.wake.notified() => {}
        }
        if let Some(early) = CLAIM_INTERVAL.checked_sub(self.last_claim.elapsed()) {
            tokio::time::sleep(early).await;
        }
    }
}

/// Claims rows and dispatches those it won; if the claim fails, the rows are due again after a delay.
async fn claim_and_dispatch(dispatcher: Arc<Dispatcher>, tasks: &Tasks, picked: &[DueDelivery]) {
    let ids: Vec<_> = picked.iter().map(|due| due.id).collect();
    match dispatcher.claim(&ids).await {
        Ok(claimed) => {
            let won: BTreeSet<_> = claimed.iter().map(|delivery| delivery.id).collect();
            let lost = ids.iter().filter(|id| !won.contains(id));
            let mut backlog = dispatcher.backlog.lock();
            lost.for_each(|id| backlog.end_claim(*id));
            drop(backlog);
            if claimed.len() < ids.len() {
                // The slots of the lost rows are free.
                dispatcher.wake.signal();
            }
            for delivery in claimed {
                spawn_dispatch(&dispatcher, tasks, delivery);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "what is due cannot be claimed; trying again");
            tokio::time::sleep(RETRY_DELAY).await;
            let mut backlog = dispatcher.backlog.lock();
            for id in ids {
                backlog.end_claim(id);
            }
            drop(backlog);
            for due in picked {
                dispatcher.wake.signal_at(due.due_at);
            }
        }
    }
}

fn spawn_dispatch(dispatcher: &Arc<Dispatcher>, tasks: &Tasks, delivery: ScheduledDelivery) {
    let dispatcher = Arc::clone(dispatcher);
    let dispatching = async move { dispatcher.dispatch(delivery).await };
    tasks.spawn("scheduled delivery", TaskKind::OneShot, dispatching);
}
