//! Following configuration from its beginning.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use ig_core::configuration::Change;
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::RawDocumentBuf;

use super::Configurations;
use super::item;
use super::kinds::{FollowedKind, IN_SNAPSHOTS};
use crate::database::Database;

const BATCH: usize = 1_000;

/// The items of a snapshot in batches; each change is a put.
pub type Items = BoxStream<'static, Result<Vec<Change>, StoreError>>;

impl Configurations {
    /// The whole configuration as of a revision: a follower that puts all items and then applies the changes since that
    /// revision has the configuration.
    ///
    /// The revision is read before the documents. A commit during the read has a later revision, so it is among the
    /// changes that are applied afterwards: an item newer than the revision is put again, an item that was read and
    /// then deleted is deleted again, and an item that the read missed is put then. A document that no commit touches
    /// in the meantime is read once, as it is. If the log has dropped the revision by then, [`Self::changes_since`]
    /// returns `None` and the caller begins again.
    pub async fn snapshot(&self) -> Result<(u64, Items), StoreError> {
        let revision = self.revision().await?;
        let database = self.database.clone();
        let items = stream::iter(IN_SNAPSHOTS).flat_map(move |kind| item_batches(&database, kind));
        Ok((revision, items.boxed()))
    }
}

fn item_batches(database: &Database, kind: FollowedKind) -> Items {
    let database = database.clone();
    stream::try_unfold(None, move |cursor| next_batch(database.clone(), kind, cursor)).boxed()
}

/// Documents as stored.
type RawCursor = Cursor<RawDocumentBuf>;

async fn next_batch(
    database: Database,
    kind: FollowedKind,
    cursor: Option<RawCursor>,
) -> Result<Option<(Vec<Change>, Option<RawCursor>)>, StoreError> {
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => {
            database
                .within(database.raw_documents(kind.collection).find(kind.filter()).batch_size(2_000))
                .await?
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    while batch.len() < BATCH {
        match database.within(cursor.try_next()).await? {
            Some(document) => batch.extend(item::read_or_log(kind.read, &document, database.secrets())),
            None => break,
        }
    }
    Ok((!batch.is_empty()).then_some((batch, Some(cursor))))
}
