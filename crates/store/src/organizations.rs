//! Organisations: `_id` is the tenant's number, which needs no further index to be unique and found.

mod document;

use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub(crate) use document::{OrganizationDocument, ProfileDocument};

use crate::database::Database;
use crate::names::ORGANIZATIONS;
use crate::page::{Listed, Page, add_search};

/// Read access to organisations; [`crate::Configurations::commit`] changes them.
#[derive(Debug, Clone)]
pub struct Organizations {
    database: Database,
}

impl Organizations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Reads one organisation.
    pub async fn get(&self, org: OrgId) -> Result<Option<Organization>, StoreError> {
        let organizations = self.database.collection::<OrganizationDocument>(ORGANIZATIONS);
        let found = self.database.within(organizations.find_one(doc! { "_id": org.0 })).await?;
        Ok(found.map(Organization::from))
    }

    /// Lists all organisations by number, for administrators; `search` matches name and code.
    pub async fn list(&self, search: Option<&str>, page: Page) -> Result<Listed<Organization>, StoreError> {
        let mut filter = Document::new();
        add_search(&mut filter, search, &["name", "code"]);
        let listed = self
            .database
            .page::<OrganizationDocument>(ORGANIZATIONS, filter, doc! { "_id": 1 }, None, page)
            .await?;
        Ok(listed.map(Organization::from))
    }
}
