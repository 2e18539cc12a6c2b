//! Following configuration by its changes.

use std::collections::HashMap;

use futures::FutureExt as _;
use ig_core::configuration::{Change, RevisedChange};
use ig_core::ports::StoreError;
use mongodb::bson::{Bson, doc};

use super::Configurations;
use super::item;
use super::kinds::{FollowedKind, IN_SNAPSHOTS, TEMPLATES_KIND};
use super::log::{LogDocument, LogEntry, Subject};
use crate::field::long;
use crate::names::CONFIG_CHANGES;

impl Configurations {
    /// The first `limit` changes after a revision, in order and without a gap; `None` when that revision is unknown or
    /// no longer in the log, so that the caller has to begin with a snapshot.
    ///
    /// A deletion is returned as one. Any other change carries the item's current state, which may be newer than the
    /// change; an item that has been deleted since is returned as a deletion. A follower that applies all changes still
    /// converges, because the later ones follow.
    pub async fn changes_since(&self, revision: u64, limit: u32) -> Result<Option<Vec<RevisedChange>>, StoreError> {
        let current = self.revision().await?;
        if revision >= current {
            return Ok((revision == current).then(Vec::new));
        }
        let until = current.min(revision.saturating_add(u64::from(limit.max(1))));
        let entries = self.log_entries(revision, until).await?;
        let without_gap = entries
            .iter()
            .zip(revision + 1..)
            .all(|(entry, wanted)| entry.revision == wanted);
        if !without_gap || until - revision != entries.len() as u64 {
            return Ok(None);
        }
        self.resolve(entries).await.map(Some)
    }

    async fn log_entries(&self, after: u64, until: u64) -> Result<Vec<LogEntry>, StoreError> {
        let log = self.database.collection::<LogDocument>(CONFIG_CHANGES);
        let find = log
            .find(doc! { "_id": { "$gt": long(after), "$lte": long(until) } })
            .sort(doc! { "_id": 1 });
        self.database.all(find).await?.into_iter().map(LogDocument::read).collect()
    }

    async fn resolve(&self, entries: Vec<LogEntry>) -> Result<Vec<RevisedChange>, StoreError> {
        let items = self.items(&entries).await?;
        let resolved = entries.into_iter().map(|entry| {
            let item = items.get(&entry.subject).filter(|_| !entry.deleted);
            RevisedChange {
                revision: entry.revision,
                change: item.cloned().unwrap_or_else(|| entry.subject.deletion()),
            }
        });
        Ok(resolved.collect())
    }

    async fn items(&self, entries: &[LogEntry]) -> Result<HashMap<Subject, Change>, StoreError> {
        let kinds = IN_SNAPSHOTS.into_iter().chain([TEMPLATES_KIND]);
        // Each future is boxed: all of them together would not fit on a small stack.
        let found = kinds.map(|kind| self.of_kind(entries, kind).boxed());
        let found = futures::future::try_join_all(found).await?;
        let changes = found.into_iter().flatten();
        Ok(changes.map(|change| (Subject::of(&change), change)).collect())
    }

    /// Reads the items of one kind from its collection, with its direction where it has one.
    async fn of_kind(&self, entries: &[LogEntry], kind: FollowedKind) -> Result<Vec<Change>, StoreError> {
        let ours = entries
            .iter()
            .map(|entry| &entry.subject)
            .filter(|subject| (subject.collection(), subject.direction()) == (kind.collection, kind.direction));
        let keys: Vec<Bson> = ours.map(Subject::key).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut filter = kind.filter();
        filter.insert("_id", doc! { "$in": keys });
        let items = self.database.raw_documents(kind.collection);
        let found = self.database.all(items.find(filter)).await?;
        let secrets = self.database.secrets();
        let followed = found
            .iter()
            .filter_map(|document| item::read_or_log(kind.read, document, secrets));
        Ok(followed.collect())
    }
}
