//! Following configuration from its beginning.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use ig_core::configuration::Change;
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::{Document, RawDocumentBuf, doc};

use super::Configurations;
use super::item::{self, ReadItem};
use crate::database::Database;
use crate::names::{EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS};
use crate::{inbound_integrations, integrations, jobs};

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
        let database = &self.database;
        let organizations = item_batches(database, ORGANIZATIONS, doc! {}, item::organization);
        let units = item_batches(database, ORG_UNITS, doc! {}, item::unit);
        let event_types = item_batches(database, EVENT_TYPES, doc! {}, item::event_type);
        let integrations = item_batches(database, INTEGRATIONS, of_direction(integrations::DIRECTION), item::outbound);
        let inbound = item_batches(
            database,
            INTEGRATIONS,
            of_direction(inbound_integrations::DIRECTION),
            item::inbound,
        );
        let jobs = item_batches(database, INTEGRATIONS, of_direction(jobs::DIRECTION), item::job);
        let acted_on = integrations.chain(inbound).chain(jobs);
        let items = organizations.chain(units).chain(event_types).chain(acted_on);
        Ok((revision, items.boxed()))
    }
}

fn of_direction(direction: &str) -> Document {
    doc! { "direction": direction }
}

fn item_batches(database: &Database, collection: &'static str, filter: Document, read: ReadItem) -> Items {
    let database = database.clone();
    stream::try_unfold(None, move |cursor| {
        next_batch(database.clone(), collection, filter.clone(), read, cursor)
    })
    .boxed()
}

/// Documents as stored.
type RawCursor = Cursor<RawDocumentBuf>;

async fn next_batch(
    database: Database,
    collection: &'static str,
    filter: Document,
    read: ReadItem,
    cursor: Option<RawCursor>,
) -> Result<Option<(Vec<Change>, Option<RawCursor>)>, StoreError> {
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => {
            database
                .within(database.raw_documents(collection).find(filter).batch_size(2_000))
                .await?
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    while batch.len() < BATCH {
        match database.within(cursor.try_next()).await? {
            Some(document) => batch.extend(item::read_or_log(read, &document, database.secrets())),
            None => break,
        }
    }
    Ok((!batch.is_empty()).then_some((batch, Some(cursor))))
}
