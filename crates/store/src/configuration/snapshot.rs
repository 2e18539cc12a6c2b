//! Following configuration from its beginning.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use ig_core::configuration::Change;
use ig_core::event_type::EventTypeDefinition;
use ig_core::ports::StoreError;
use mongodb::Cursor;
use mongodb::bson::{Document, doc};
use serde::de::DeserializeOwned;

use super::Configurations;
use crate::database::Database;
use crate::event_types::EventTypeDocument;
use crate::inbound_integrations::InboundDocument;
use crate::integrations::IntegrationDocument;
use crate::jobs::JobDocument;
use crate::names::{EVENT_TYPES, INTEGRATIONS, ORG_UNITS, ORGANIZATIONS};
use crate::org_units::OrgUnitDocument;
use crate::organizations::OrganizationDocument;
use crate::secret_box::SecretBox;
use crate::stored::Stored;
use crate::{inbound_integrations, integrations, jobs};

const PART: usize = 1_000;

/// The items of a snapshot in parts; each puts something.
pub type Items = BoxStream<'static, Result<Vec<Change>, StoreError>>;

impl Configurations {
    /// The whole configuration as of a revision: whoever puts all items and then applies the changes since that revision
    /// has the configuration.
    ///
    /// The revision is read before the documents. Whatever commits while they are read has a later revision, so it is
    /// among the changes that are applied afterwards: an item that is newer than the revision is put again, one that was
    /// read and then deleted is deleted again, one that was made behind the reader's back is put then. A document that no
    /// commit touches meanwhile is read as it is, once. If so many commits came that the revision has left the log,
    /// [`Self::changes_since`] answers nothing and the caller begins again.
    pub async fn snapshot(&self) -> Result<(u64, Items), StoreError> {
        let revision = self.revision().await?;
        let database = &self.database;
        let organizations = parts::<OrganizationDocument>(database, ORGANIZATIONS, doc! {}, |document, _| {
            Ok(Change::PutOrganization(document.into()))
        });
        let units = parts::<OrgUnitDocument>(database, ORG_UNITS, doc! {}, |document, _| {
            Ok(Change::PutUnit(document.into()))
        });
        let event_types = parts::<EventTypeDocument>(database, EVENT_TYPES, doc! {}, |document, _| {
            EventTypeDefinition::try_from(document).map(Change::PutEventType)
        });
        let integrations =
            parts::<IntegrationDocument>(database, INTEGRATIONS, of(integrations::DIRECTION), |document, secrets| {
                document
                    .read(secrets)
                    .map(|integration| Change::PutIntegration(Box::new(integration)))
            });
        let inbound = parts::<InboundDocument>(
            database,
            INTEGRATIONS,
            of(inbound_integrations::DIRECTION),
            |document, secrets| {
                let inbound = document.read(secrets)?;
                Ok(Change::PutInbound(Box::new(inbound)))
            },
        );
        let jobs = parts::<JobDocument>(database, INTEGRATIONS, of(jobs::DIRECTION), |document, secrets| {
            let job = document.read(secrets)?;
            Ok(Change::PutJob(Box::new(job)))
        });
        let acted_on = integrations.chain(inbound).chain(jobs);
        let items = organizations.chain(units).chain(event_types).chain(acted_on);
        Ok((revision, items.boxed()))
    }
}

type Read<T> = fn(T, &SecretBox) -> Result<Change, StoreError>;

fn of(direction: &str) -> Document {
    doc! { "direction": direction }
}

fn parts<T>(database: &Database, collection: &'static str, filter: Document, read: Read<T>) -> Items
where
    T: DeserializeOwned + Send + Sync + Unpin + 'static,
{
    let database = database.clone();
    stream::try_unfold(None, move |cursor| {
        next_part(database.clone(), collection, filter.clone(), read, cursor)
    })
    .boxed()
}

async fn next_part<T>(
    database: Database,
    collection: &'static str,
    filter: Document,
    read: Read<T>,
    cursor: Option<Cursor<Stored<T>>>,
) -> Result<Option<(Vec<Change>, Option<Cursor<Stored<T>>>)>, StoreError>
where
    T: DeserializeOwned + Send + Sync + Unpin + 'static,
{
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => {
            database
                .within(database.collection::<T>(collection).find(filter).batch_size(2_000))
                .await?
        }
    };
    let mut part = Vec::with_capacity(PART);
    while part.len() < PART {
        match database.next(&mut cursor).await? {
            Some(document) => part.push(read(document, database.secrets())?),
            None => break,
        }
    }
    Ok((!part.is_empty()).then_some((part, Some(cursor))))
}
