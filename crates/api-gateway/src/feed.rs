//! The configuration feed: follows the store and serves watchers.
//!
//! One task polls the store's revision, at once after a change made here and every 200 ms for changes made elsewhere, and loads what is
//! new. Watchers pull from the loaded state, so none of them has a queue that could grow.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_core::ports::StoreError;
use ig_service::Context;
use ig_store::Store;
use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

mod alert;
mod ring;

use ig_peers::AlertClient;
use ring::Ring;

/// The delay between polls of the store's revision.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The most changes to load from the store, or to send to a watcher, at once.
const BATCH: u32 = 500;
/// The size at which a message to a watcher is full.
pub(crate) const MESSAGE_BYTES: usize = 1024 * 1024;
/// How many past changes a starting gateway loads, so that watchers can resume.
const BACKLOG: u32 = 1_000;
/// How long the author of a change waits for it to come into force.
const TAKE_EFFECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a caller waits for the feed to catch up with committed changes.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);
/// The deadline of one round of the loop, which waits for a database.
const POLL_DEADLINE: Duration = Duration::from_mins(2);

/// The configuration in force in this process.
#[derive(Debug)]
pub(crate) struct ConfigFeed {
    store: Store,
    alerting: AlertClient,
    state: RwLock<FeedState>,
    revision: watch::Sender<Option<u64>>,
    /// The number of successful polls.
    polls: watch::Sender<u64>,
    poll_now: Notify,
}

#[derive(Debug, Default)]
struct FeedState {
    configuration: Arc<Configuration>,
    recent: Ring,
}

/// What the feed sends a watcher next.
#[derive(Debug)]
pub(crate) enum FeedUpdate {
    /// The changes since its revision.
    Changes(Vec<RevisedChange>),
    /// Everything: the ring no longer holds all changes since the watcher's revision, or the watcher has none.
    Snapshot(Arc<Configuration>),
    /// Nothing: the watcher is up to date.
    Nothing,
}

impl ConfigFeed {
    /// A feed without a configuration yet.
    pub(crate) fn new(store: Store, alerting: AlertClient) -> Arc<Self> {
        Arc::new(Self {
            store,
            alerting,
            state: RwLock::default(),
            revision: watch::Sender::new(None),
            polls: watch::Sender::new(0),
            poll_now: Notify::new(),
        })
    }

    /// Follows the store until shutdown; ready once the first load succeeds.
    pub(crate) async fn run(self: Arc<Self>, context: Context) {
        let loading = context.readiness().hold("the configuration has not been read yet");
        let heartbeat = context.liveness().watch("configuration feed", POLL_DEADLINE);
        let follow = async {
            let mut is_logged = false;
            loop {
                heartbeat.beat();
                match self.poll().await {
                    Ok(()) => {
                        loading.release();
                        self.polls.send_modify(|polls| *polls += 1);
                        is_logged = false;
                    }
                    Err(error) if !std::mem::replace(&mut is_logged, true) => {
                        tracing::warn!(%error, "the configuration cannot be read");
                    }
                    Err(_) => {}
                }
                // On an error as on success, the next poll follows in time, or at once after a change made here.
                let _ = tokio::time::timeout(POLL_INTERVAL, self.poll_now.notified()).await;
            }
        };
        context.stopping().run_until_cancelled(follow).await;
    }

    /// Polls at once, since a change was made here.
    pub(crate) fn poll_now(&self) {
        self.poll_now.notify_one();
    }

    /// Waits until everything committed anywhere before this call is in force here.
    pub(crate) async fn wait_until_current(&self) -> Result<(), StoreError> {
        let committed = self.store.configuration().revision().await?;
        self.poll_now();
        let mut revision = self.revision();
        let caught_up = revision.wait_for(|loaded| loaded.is_some_and(|loaded| loaded >= committed));
        match tokio::time::timeout(CATCH_UP_TIMEOUT, caught_up).await {
            Ok(_reached) => Ok(()),
            Err(_elapsed) => Err(StoreError::Unavailable("the configuration feed lags behind".to_owned())),
        }
    }

    /// Waits briefly until a local change is in force here, so that its author can use it at once.
    pub(crate) async fn wait_until_in_force(&self, committed: u64) {
        self.poll_now();
        let mut revision = self.revision();
        let in_force = revision.wait_for(|loaded| loaded.is_some_and(|loaded| loaded >= committed));
        let _ = tokio::time::timeout(TAKE_EFFECT_TIMEOUT, in_force).await;
    }

    /// Watches the revision in force; none before the first load.
    pub(crate) fn revision(&self) -> watch::Receiver<Option<u64>> {
        self.revision.subscribe()
    }

    /// Waits for a poll that began after this call: everything committed before is then in force here, unless the database was replaced
    /// by another one meanwhile.
    pub(crate) async fn wait_for_poll(&self) {
        let mut polls = self.polls.subscribe();
        // The next successful poll may have begun before this call.
        let enough = *polls.borrow() + 2;
        // The sender lives in `self`, so the channel cannot close during this wait.
        let _ = polls.wait_for(|polls| *polls >= enough).await;
    }

    /// The configuration in force.
    pub(crate) fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.state.read().configuration)
    }

    /// What to send a watcher that has everything up to `revision`.
    pub(crate) fn update_for(&self, revision: Option<u64>) -> FeedUpdate {
        let state = self.state.read();
        let current = state.configuration.revision();
        let Some(revision) = revision.filter(|revision| *revision <= current) else {
            return FeedUpdate::Snapshot(Arc::clone(&state.configuration));
        };
        match state.recent.since(revision, BATCH as usize) {
            None => FeedUpdate::Snapshot(Arc::clone(&state.configuration)),
            Some(changes) if changes.is_empty() => FeedUpdate::Nothing,
            Some(changes) => FeedUpdate::Changes(changes),
        }
    }

    async fn poll(&self) -> Result<(), StoreError> {
        let Some(loaded) = *self.revision.borrow() else {
            return self.load().await;
        };
        let stored = self.store.configuration().revision().await?;
        if stored < loaded {
            // The database was replaced by another one.
            return self.load().await;
        }
        if stored > loaded {
            self.catch_up(loaded, stored).await
        } else {
            Ok(())
        }
    }

    async fn catch_up(&self, mut loaded: u64, stored: u64) -> Result<(), StoreError> {
        while loaded < stored {
            let Some(changes) = self.store.configuration().changes_since(loaded, BATCH).await? else {
                return self.load().await;
            };
            let Some(last) = changes.last() else { return Ok(()) };
            loaded = last.revision;
            self.apply_changes(changes);
        }
        Ok(())
    }

    fn apply_changes(&self, changes: Vec<RevisedChange>) {
        let mut state = self.state.write();
        for change in changes {
            self.alert_if_unreadable(&change.change);
            state.recent.push(change.clone());
            Arc::make_mut(&mut state.configuration).apply(change);
        }
        self.revision.send_replace(Some(state.configuration.revision()));
    }

    /// Raises an alert for an item that cannot be read: only a person can repair it.
    fn alert_if_unreadable(&self, change: &Change) {
        if let Some(alert) = alert::unreadable(change) {
            self.alerting.raise_soon(alert);
        }
    }

    async fn load(&self) -> Result<(), StoreError> {
        let (revision, mut parts) = self.store.configuration().snapshot().await?;
        let mut configuration = Configuration::at(revision);
        while let Some(part) = parts.try_next().await? {
            for item in part {
                self.alert_if_unreadable(&item);
                configuration.put(item);
            }
        }
        let recent = self.backlog(revision).await?;
        *self.state.write() = FeedState {
            configuration: Arc::new(configuration),
            recent,
        };
        self.revision.send_replace(Some(revision));
        Ok(())
    }

    /// The changes that led to a revision, so that watchers from before this gateway's start can resume.
    async fn backlog(&self, revision: u64) -> Result<Ring, StoreError> {
        let from = revision.saturating_sub(u64::from(BACKLOG));
        let known = self.store.configuration().changes_since(from, BACKLOG).await?;
        let Some(changes) = known else {
            return Ok(Ring::after(revision));
        };
        let mut ring = Ring::after(from);
        changes
            .into_iter()
            .filter(|change| change.revision <= revision)
            .for_each(|change| ring.push(change));
        Ok(ring)
    }
}
