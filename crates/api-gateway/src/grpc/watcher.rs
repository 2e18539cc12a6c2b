//! One watcher of the configuration, which pulls the next message as fast as it can take it.

use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use ig_core::configuration::{Change, Configuration, RevisedChange};
use ig_proto::v1;
use ig_proto::v1::WatchResponse;
use ig_proto::v1::watch_response::Step;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tonic::Status;

use crate::feed::{ConfigFeed, FeedUpdate, MESSAGE_BYTES};

/// The most items in one message of a snapshot.
const MAX_ITEMS: usize = 500;
/// The delay between heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The watcher has disconnected.
struct Disconnected;

/// A watcher and the last revision that was sent to it.
pub(super) struct Watcher {
    feed: Arc<ConfigFeed>,
    sender: mpsc::Sender<Result<WatchResponse, Status>>,
    sent_revision: Option<u64>,
}

impl Watcher {
    /// A watcher that has everything up to `resume_from`; 0 means nothing.
    pub(super) fn new(feed: Arc<ConfigFeed>, sender: mpsc::Sender<Result<WatchResponse, Status>>, resume_from: u64) -> Self {
        let sent_revision = (resume_from > 0).then_some(resume_from);
        Self {
            feed,
            sender,
            sent_revision,
        }
    }

    /// Serves the watcher until it disconnects.
    pub(super) async fn run(mut self) {
        let mut revision = self.feed.revision();
        let sender = self.sender.clone();
        let serve = async {
            let mut served = self.wait_until_current(&mut revision).await;
            while served.is_ok() {
                served = self.step(&mut revision).await;
            }
        };
        tokio::select! {
            () = serve => {}
            () = sender.closed() => {}
        }
    }

    /// Waits until there is a configuration, and while this gateway may lag behind the one that the watcher comes from. That lasts until
    /// the next poll of the database, which may be unavailable: no watcher is taken back to an older configuration.
    async fn wait_until_current(&self, revision: &mut watch::Receiver<Option<u64>>) -> Result<(), Disconnected> {
        let known = async {
            // The feed lives in `self`, so the channel cannot close under these waits.
            let _ = revision.wait_for(Option::is_some).await;
            let caught_up = revision.wait_for(|revision| *revision >= self.sent_revision);
            tokio::select! {
                _ = caught_up => {}
                () = self.feed.wait_for_poll() => {}
            }
        };
        tokio::pin!(known);
        while tokio::time::timeout(HEARTBEAT, &mut known).await.is_err() {
            self.send_heartbeat().await?;
        }
        Ok(())
    }

    async fn step(&mut self, revision: &mut watch::Receiver<Option<u64>>) -> Result<(), Disconnected> {
        revision.mark_unchanged();
        match self.feed.update_for(self.sent_revision) {
            FeedUpdate::Snapshot(configuration) => self.send_snapshot(&configuration).await,
            FeedUpdate::Changes(changes) => self.send_changes(&changes).await,
            FeedUpdate::Nothing => self.wait_for_change(revision).await,
        }
    }

    async fn send_snapshot(&mut self, configuration: &Configuration) -> Result<(), Disconnected> {
        let revision = configuration.revision();
        self.send(Step::SnapshotBegin(v1::SnapshotBegin { revision })).await?;
        let items = configuration.items().filter(concerns_services);
        let mut items = items.map(|item| v1::Change::from(&item)).peekable();
        while let Some(first) = items.next() {
            let items = next_message(first, &mut items);
            self.send(Step::SnapshotPart(v1::SnapshotPart { items })).await?;
        }
        self.sent_revision = Some(revision);
        self.send(Step::SnapshotEnd(v1::SnapshotEnd { revision })).await
    }

    async fn send_changes(&mut self, changes: &[RevisedChange]) -> Result<(), Disconnected> {
        self.sent_revision = changes.last().map(|change| change.revision).or(self.sent_revision);
        let changes = changes.iter().filter(|revised| concerns_services(&revised.change));
        let changes: Vec<_> = changes.map(v1::RevisedChange::from).collect();
        if changes.is_empty() {
            return self.send_heartbeat().await;
        }
        self.send(Step::Changes(v1::Changes { changes })).await
    }

    async fn wait_for_change(&self, revision: &mut watch::Receiver<Option<u64>>) -> Result<(), Disconnected> {
        let deadline = Instant::now() + HEARTBEAT;
        match tokio::time::timeout_at(deadline, revision.changed()).await {
            Ok(_changed) => Ok(()),
            Err(_elapsed) => self.send_heartbeat().await,
        }
    }

    async fn send_heartbeat(&self) -> Result<(), Disconnected> {
        let revision = self.sent_revision.unwrap_or_default();
        self.send(Step::Heartbeat(v1::Heartbeat { revision })).await
    }

    async fn send(&self, step: Step) -> Result<(), Disconnected> {
        self.sender
            .send(Ok(WatchResponse { step: Some(step) }))
            .await
            .map_err(|_| Disconnected)
    }
}

/// Whether services act on a change. Templates are for people who make integrations: the gateway alone reads them.
fn concerns_services(change: &Change) -> bool {
    !matches!(change, Change::PutTemplate(_) | Change::DeleteTemplate(..))
}

/// An item and the following ones that fit into the same message.
fn next_message(first: v1::Change, rest: &mut Peekable<impl Iterator<Item = v1::Change>>) -> Vec<v1::Change> {
    let mut bytes = first.encoded_bytes();
    let mut items = vec![first];
    while items.len() < MAX_ITEMS
        && let Some(next) = rest.next_if(|next| bytes + next.encoded_bytes() <= MESSAGE_BYTES)
    {
        bytes += next.encoded_bytes();
        items.push(next);
    }
    items
}
