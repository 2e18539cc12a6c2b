//! The configuration in force, followed from the store and handed to whoever watches.
//!
//! One task looks at the store's revision, at once after a change made here and every 200 ms for those made elsewhere,
//! and takes in what is new. Watchers pull from what it holds: none of them has a queue that could grow.

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

use crate::alerting::Alerting;
use ring::Ring;

/// Between two looks at the store's revision.
const LOOK: Duration = Duration::from_millis(200);
/// The most changes taken from the store, or handed to a watcher, at once.
const BATCH: u32 = 500;
/// Beyond this a message to a watcher takes no further item.
pub(crate) const MESSAGE_BYTES: usize = 1024 * 1024;
/// How far back a gateway that starts looks for changes, so that watchers can resume.
const BACKLOG: u32 = 1_000;
/// How long whoever made a change waits for it to be in force.
const TAKING_EFFECT: Duration = Duration::from_millis(500);
/// How long a caller waits for the feed to have what was committed.
const CATCHING_UP: Duration = Duration::from_secs(5);
/// A loop that waits for a database has to come round within this.
const LONGEST_LOOK: Duration = Duration::from_mins(2);

/// The configuration in force in this process.
#[derive(Debug)]
pub(crate) struct ConfigFeed {
    store: Store,
    alerting: Alerting,
    held: RwLock<Held>,
    revision: watch::Sender<Option<u64>>,
    /// How many looks have succeeded.
    looks: watch::Sender<u64>,
    look_now: Notify,
}

#[derive(Debug, Default)]
struct Held {
    configuration: Arc<Configuration>,
    recent: Ring,
}

/// What a watcher gets next.
#[derive(Debug)]
pub(crate) enum Next {
    /// The changes since its revision.
    Changes(Vec<RevisedChange>),
    /// Everything: some changes since its revision are gone, or it has none.
    Snapshot(Arc<Configuration>),
    /// Nothing: it has them all.
    Nothing,
}

impl ConfigFeed {
    /// A feed that has nothing yet.
    pub(crate) fn new(store: Store, alerting: Alerting) -> Arc<Self> {
        Arc::new(Self {
            store,
            alerting,
            held: RwLock::default(),
            revision: watch::Sender::new(None),
            looks: watch::Sender::new(0),
            look_now: Notify::new(),
        })
    }

    /// Follows the store until the shutdown; not ready before the first look succeeds.
    pub(crate) async fn run(self: Arc<Self>, context: Context) {
        let loading = context.readiness().hold("the configuration has not been read yet");
        let heartbeat = context.liveness().watch("configuration feed", LONGEST_LOOK);
        let follow = async {
            let mut is_told = false;
            loop {
                heartbeat.beat();
                match self.look().await {
                    Ok(()) => {
                        loading.release();
                        self.looks.send_modify(|looks| *looks += 1);
                        is_told = false;
                    }
                    Err(error) if !std::mem::replace(&mut is_told, true) => {
                        tracing::warn!(%error, "the configuration cannot be read");
                    }
                    Err(_) => {}
                }
                // An error or a quiet moment: either way the next look is in time, or at once after a change made here.
                let _ = tokio::time::timeout(LOOK, self.look_now.notified()).await;
            }
        };
        context.stopping().run_until_cancelled(follow).await;
    }

    /// A change was made here.
    pub(crate) fn look_now(&self) {
        self.look_now.notify_one();
    }

    /// Waits until everything that was committed anywhere before this call is in force here.
    pub(crate) async fn caught_up(&self) -> Result<(), StoreError> {
        let committed = self.store.configuration().revision().await?;
        self.look_now();
        let mut revision = self.revision();
        let caught_up = revision.wait_for(|held| held.is_some_and(|held| held >= committed));
        match tokio::time::timeout(CATCHING_UP, caught_up).await {
            Ok(_reached) => Ok(()),
            Err(_elapsed) => Err(StoreError::Unavailable("the configuration feed lags behind".to_owned())),
        }
    }

    /// Waits until a change that was made here is in force here, but not for long: whoever made it may use it at once.
    pub(crate) async fn take_effect(&self, committed: u64) {
        self.look_now();
        let mut revision = self.revision();
        let in_force = revision.wait_for(|held| held.is_some_and(|held| held >= committed));
        let _ = tokio::time::timeout(TAKING_EFFECT, in_force).await;
    }

    /// The revision in force, to be waited for; nothing before the first look.
    pub(crate) fn revision(&self) -> watch::Receiver<Option<u64>> {
        self.revision.subscribe()
    }

    /// Waits for a look that began after this moment: whatever was committed before it is in force here then, unless another database
    /// stands where the one was to which it was committed.
    pub(crate) async fn looked(&self) {
        let mut looks = self.looks.subscribe();
        // The next to succeed may have begun before.
        let enough = *looks.borrow() + 2;
        // The sender is this value's own: it does not go while it is waited for.
        let _ = looks.wait_for(|looks| *looks >= enough).await;
    }

    /// Everything in force.
    pub(crate) fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.held.read().configuration)
    }

    /// What a watcher that has everything up to `revision` gets next.
    pub(crate) fn next(&self, revision: Option<u64>) -> Next {
        let held = self.held.read();
        let current = held.configuration.revision();
        let Some(revision) = revision.filter(|revision| *revision <= current) else {
            return Next::Snapshot(Arc::clone(&held.configuration));
        };
        match held.recent.since(revision, BATCH as usize) {
            None => Next::Snapshot(Arc::clone(&held.configuration)),
            Some(changes) if changes.is_empty() => Next::Nothing,
            Some(changes) => Next::Changes(changes),
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let Some(held) = *self.revision.borrow() else {
            return self.load().await;
        };
        let stored = self.store.configuration().revision().await?;
        if stored < held {
            // Another database stands where ours was.
            return self.load().await;
        }
        if stored > held {
            self.catch_up(held, stored).await
        } else {
            Ok(())
        }
    }

    async fn catch_up(&self, mut held: u64, stored: u64) -> Result<(), StoreError> {
        while held < stored {
            let Some(changes) = self.store.configuration().changes_since(held, BATCH).await? else {
                return self.load().await;
            };
            let Some(last) = changes.last() else { return Ok(()) };
            held = last.revision;
            self.take_in(changes);
        }
        Ok(())
    }

    fn take_in(&self, changes: Vec<RevisedChange>) {
        let mut held = self.held.write();
        for change in changes {
            self.tell(&change.change);
            held.recent.push(change.clone());
            Arc::make_mut(&mut held.configuration).apply(change);
        }
        self.revision.send_replace(Some(held.configuration.revision()));
    }

    /// Raises an alert where an item cannot be read: nobody but a person can help it.
    fn tell(&self, change: &Change) {
        if let Some(alert) = alert::unreadable(change) {
            self.alerting.raise_soon(alert);
        }
    }

    async fn load(&self) -> Result<(), StoreError> {
        let (revision, mut parts) = self.store.configuration().snapshot().await?;
        let mut configuration = Configuration::at(revision);
        while let Some(part) = parts.try_next().await? {
            for item in part {
                self.tell(&item);
                configuration.put(item);
            }
        }
        let recent = self.backlog(revision).await?;
        *self.held.write() = Held {
            configuration: Arc::new(configuration),
            recent,
        };
        self.revision.send_replace(Some(revision));
        Ok(())
    }

    /// The changes that led to a revision, so that those who watched before this gateway started can resume.
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
