//! Organisations: `_id` is the tenant's number, which is unique by that and found without an index of its own.

mod document;

use ig_core::id::OrgId;
use ig_core::organization::Organization;
use ig_core::ports::StoreError;
use mongodb::bson::{Document, doc};

pub(crate) use document::{OrganizationDocument, ProfileDocument};

use crate::database::Database;
use crate::names::ORGANIZATIONS;
use crate::page::{Listed, Page, add_search};

/// The organisations, for reading; they are changed through [`crate::Configurations::commit`].
#[derive(Debug, Clone)]
pub struct Organizations {
    database: Database,
}

impl Organizations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// One organisation.
    pub async fn get(&self, org: OrgId) -> Result<Option<Organization>, StoreError> {
        let organizations = self.database.collection::<OrganizationDocument>(ORGANIZATIONS);
        let found = self.database.within(organizations.find_one(doc! { "_id": org.0 })).await?;
        Ok(found.map(Organization::from))
    }

    /// All of them, for administrators, in the order of their numbers; `search` looks into name and code.
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
