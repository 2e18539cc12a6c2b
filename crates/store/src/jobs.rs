//! Scheduled jobs: stored with all integrations, with the direction SCHEDULED.

use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::Job;
use ig_core::ports::StoreError;
use ig_documents::{DataSourceDocument, JobDocument, JobScheduleDocument};
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{ItemSealer, StoredDocument, format, integration_id, serialized, stored_document};
use crate::database::Database;
use crate::error::unreadable;
use crate::field::{json, object_id};
use crate::maybe_readable::MaybeReadable;
use crate::names::INTEGRATIONS;
use crate::page::{Listed, Page, add_search};

/// The value of `direction` in these documents.
pub(crate) const DIRECTION: &str = "SCHEDULED";

/// The field that is sealed as a whole.
const DATA_SOURCE: &str = "dataSource";

/// Selects jobs; a condition that is `None` matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Whether they run on schedule.
    pub is_active: Option<bool>,
    /// The exact category.
    pub category: Option<String>,
    /// Part of the name or the target's URL.
    pub search: Option<String>,
}

/// Read access to jobs; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct Jobs {
    database: Database,
}

impl Jobs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one of an organisation's jobs.
    pub async fn get(&self, org: OrgId, id: IntegrationId) -> Result<Option<Job>, StoreError> {
        stored_document::get::<JobDocument>(&self.database, of(org, id)).await
    }

    /// The same, where the item may be undecodable.
    pub async fn find(&self, org: OrgId, id: IntegrationId) -> Result<Option<MaybeReadable<Job>>, StoreError> {
        stored_document::find::<JobDocument>(&self.database, of(org, id)).await
    }

    /// Lists an organisation's jobs in the order of creation.
    pub async fn list(&self, org: OrgId, filter: &JobFilter, page: Page) -> Result<Listed<MaybeReadable<Job>>, StoreError> {
        let JobFilter {
            is_active,
            category,
            search,
        } = filter;
        let mut query = doc! { "orgId": org.0 };
        if let Some(is_active) = is_active {
            query.insert("isActive", is_active);
        }
        if let Some(category) = category {
            query.insert("type", category);
        }
        add_search(&mut query, search.as_deref(), &["name", "targetUrl"]);
        stored_document::list::<JobDocument>(&self.database, query, page).await
    }
}

fn of(org: OrgId, id: IntegrationId) -> Document {
    doc! { "_id": object_id(id.0), "orgId": org.0 }
}

impl StoredDocument for JobDocument {
    const COLLECTION: &'static str = INTEGRATIONS;
    const DIRECTION: Option<&'static str> = Some(DIRECTION);
    const REQUIRED: &'static [&'static str] = &["isActive", "outgoingAuthType", "signing", "customHeaders"];

    fn key(item: &Job) -> Bson {
        object_id(item.id.0).into()
    }

    fn id(stored: &Document) -> Result<IntegrationId, StoreError> {
        integration_id(stored)
    }

    fn upgrade(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        format::upgrade_target(stored, sealer)?;
        if let Some(script) = stored.remove("transformScript") {
            stored.insert("transformation", doc! { "mode": "SCRIPT", "script": script });
        }
        format::upgrade_text::<JobScheduleDocument>(stored, "schedule")
    }

    /// The data source is sealed as a whole: its address, query and body hold secrets as well.
    fn seal_whole(&self, stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.data_source).map_err(|_| unreadable(DATA_SOURCE))?;
        stored.insert(DATA_SOURCE, sealer.seal(&text, DATA_SOURCE)?);
        Ok(())
    }

    fn open_whole(stored: &mut Document, sealer: &ItemSealer<'_>) -> Result<(), StoreError> {
        let sealed = stored.get_str(DATA_SOURCE).map_err(|_| unreadable(DATA_SOURCE))?;
        let source = json(DATA_SOURCE, &sealer.open(sealed, DATA_SOURCE)?)?;
        let source: DataSourceDocument = serde_json::from_value(source).map_err(|_| unreadable(DATA_SOURCE))?;
        stored.insert(DATA_SOURCE, serialized(&source)?);
        Ok(())
    }
}
