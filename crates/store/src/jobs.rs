//! Scheduled jobs: stored with all integrations, with the direction SCHEDULED.

mod document;

use ig_core::id::{IntegrationId, OrgId};
use ig_core::job::Job;
use ig_core::ports::StoreError;
use mongodb::bson::doc;

pub(crate) use document::JobDocument;

use crate::database::Database;
use crate::field::object_id;
use crate::found::Found;
use crate::names::INTEGRATIONS;
use crate::page::{Listed, Page, add_search};

/// The value of `direction` in these documents.
pub(crate) const DIRECTION: &str = "SCHEDULED";

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
        let found = self.document(org, id).await?;
        found.map(|document| document.read(self.database.secrets())).transpose()
    }

    /// The same, where the item may be undecodable.
    pub async fn find(&self, org: OrgId, id: IntegrationId) -> Result<Option<Found<Job>>, StoreError> {
        let found = self.document(org, id).await?;
        found.map(|document| self.found(document)).transpose()
    }

    async fn document(&self, org: OrgId, id: IntegrationId) -> Result<Option<JobDocument>, StoreError> {
        let jobs = self.database.collection::<JobDocument>(INTEGRATIONS);
        let filter = doc! { "_id": object_id(id.0), "orgId": org.0, "direction": DIRECTION };
        self.database.within(jobs.find_one(filter)).await
    }

    fn found(&self, document: JobDocument) -> Result<Found<Job>, StoreError> {
        Found::of(document.stands(), document.read(self.database.secrets()))
    }

    /// Lists an organisation's jobs in the order of creation.
    pub async fn list(&self, org: OrgId, filter: &JobFilter, page: Page) -> Result<Listed<Found<Job>>, StoreError> {
        let JobFilter {
            is_active,
            category,
            search,
        } = filter;
        let mut query = doc! { "orgId": org.0, "direction": DIRECTION };
        if let Some(is_active) = is_active {
            query.insert("isActive", is_active);
        }
        if let Some(category) = category {
            query.insert("type", category);
        }
        add_search(&mut query, search.as_deref(), &["name", "targetUrl"]);
        let listed = self
            .database
            .page::<JobDocument>(INTEGRATIONS, query, doc! { "_id": 1 }, None, page)
            .await?;
        listed.try_map(|document| self.found(document))
    }
}
