//! Following configuration from its beginning.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use ig_core::configuration::Change;
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::{Document, RawDocumentBuf, doc};

use super::Configurations;
use super::item::{self, Read};
use crate::database::Database;
use crate::names::{EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS};
use crate::{inbound_integrations, integrations, jobs};

const PART: usize = 1_000;

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
        let organizations = parts(database, ORGANIZATIONS, doc! {}, item::organization);
        let units = parts(database, ORG_UNITS, doc! {}, item::unit);
        let event_types = parts(database, EVENT_TYPES, doc! {}, item::event_type);
        let integrations = parts(database, INTEGRATIONS, of(integrations::DIRECTION), item::outbound);
        let inbound = parts(database, INTEGRATIONS, of(inbound_integrations::DIRECTION), item::inbound);
        let jobs = parts(database, INTEGRATIONS, of(jobs::DIRECTION), item::job);
        let acted_on = integrations.chain(inbound).chain(jobs);
        let items = organizations.chain(units).chain(event_types).chain(acted_on);
        Ok((revision, items.boxed()))
    }
}

fn of(direction: &str) -> Document {
    doc! { "direction": direction }
}

fn parts(database: &Database, collection: &'static str, filter: Document, read: Read) -> Items {
    let database = database.clone();
    stream::try_unfold(None, move |cursor| {
        next_part(database.clone(), collection, filter.clone(), read, cursor)
    })
    .boxed()
}

/// Documents as stored.
type Raw = Cursor<RawDocumentBuf>;

async fn next_part(
    database: Database,
    collection: &'static str,
    filter: Document,
    read: Read,
    cursor: Option<Raw>,
) -> Result<Option<(Vec<Change>, Option<Raw>)>, StoreError> {
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => {
            database
                .within(database.raw_documents(collection).find(filter).batch_size(2_000))
                .await?
        }
    };
    let mut part = Vec::with_capacity(PART);
    while part.len() < PART {
        match database.within(cursor.try_next()).await? {
            Some(document) => part.extend(item::followed(read, &document, database.secrets())),
            None => break,
        }
    }
    Ok((!part.is_empty()).then_some((part, Some(cursor))))
}
