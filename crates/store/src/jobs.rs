//! Scheduled jobs: stored with all integrations, with the direction SCHEDULED.

use ig_core::id::{IntegrationId, OrgId};
use ig_core::ports::StoreError;
use ig_documents::{DataSourceDocument, HoldDocument, JobDocument, JobScheduleDocument};
use mongodb::bson::{Bson, Document, doc};

use crate::configuration::{Configured, ItemSealer, StoredDocument, format, integration_id, serialized};
use crate::error::unreadable;
use crate::field::{json, object_id};
use crate::names::INTEGRATIONS;
use crate::page::add_search;

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

/// Read access to scheduled jobs.
pub type Jobs = Configured<JobDocument>;

impl StoredDocument for JobDocument {
    type Filter = JobFilter;

    const COLLECTION: &'static str = INTEGRATIONS;
    const DIRECTION: Option<&'static str> = Some(DIRECTION);
    const REQUIRED: &'static [&'static str] = &["isActive", "outgoingAuthType", "signing", "customHeaders"];

    fn key(_: OrgId, id: &IntegrationId) -> Bson {
        object_id(id.0).into()
    }

    fn conditions(filter: &JobFilter) -> Document {
        let JobFilter {
            is_active,
            category,
            search,
        } = filter;
        let mut conditions = Document::new();
        if let Some(is_active) = is_active {
            conditions.insert("isActive", is_active);
        }
        if let Some(category) = category {
            conditions.insert("type", category);
        }
        add_search(&mut conditions, search.as_deref(), &["name", "targetUrl"]);
        conditions
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

    fn take_hold(&mut self) -> Option<HoldDocument> {
        self.hold.take()
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
